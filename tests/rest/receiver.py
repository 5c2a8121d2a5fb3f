"""A receiver of webhooks that may be down, and that checks what it takes."""

import base64
import hashlib
import hmac
import json

from aiohttp import web


class Receiver:
    """Takes deliveries while ``is_up``, as a careful business does.

    Args:
        secrets: Those that may sign.
    """

    def __init__(self, *secrets: str) -> None:
        self.secrets = list(secrets)
        self.is_up = True
        self.port = 0
        self.attempts = 0
        self.ids: list[str] = []
        self.entries: list[dict] = []
        self.repeated = 0
        self.headers: list[dict[str, str]] = []
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen, on the same port each time."""
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be down: connections are refused."""
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def texts(self) -> list[str]:
        """Return the texts of the messages that came, in their order."""
        return [e["body"]["content"]["text"] for e in self.entries if e["kind"] == "message"]

    async def _take(self, request: web.Request) -> web.Response:
        self.attempts += 1
        body = await request.read()
        if not self.is_up:
            return web.Response(status=503)
        message_id = request.headers["webhook-id"]
        signed = f"{message_id}.{request.headers['webhook-timestamp']}.".encode() + body
        good = {f"v1,{signature_of(secret, signed)}" for secret in self.secrets}
        told = set(request.headers["webhook-signature"].split(" "))
        assert told & good, "the signature does not fit"
        self.headers.append(dict(request.headers))
        if message_id in self.ids:
            self.repeated += 1
        else:
            self.ids.append(message_id)
            self.entries += json.loads(body)["data"]["entries"]
        return web.Response(status=204)


def signature_of(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
