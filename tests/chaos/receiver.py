"""The business's server: takes a webhook's deliveries, and is itself down now and then."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from .checker_webhook import Delivery, Event

HANG_S = 4.0
"""Longer than the server waits for an answer."""
PATH = "/hook"
Manner = Callable[[web.Request, bytes], Awaitable[web.Response]]


class Receiver:
    """Takes deliveries, in the order in which they come.

    Args:
        port: Where it listens.
        address: The address of this machine to listen on.
    """

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.secret = ""
        self.deliveries: list[Delivery] = []
        self.conflicts: list[str] = []
        """Where something was posted that cannot be believed."""
        self.downs = 0
        self._port, self._address = port, address
        self._places: set[tuple[str, int]] = set()
        self._came = asyncio.Event()
        self._manner: Manner = self._take
        self._manners: tuple[Manner, ...] = (
            self._refuse,
            self._hang_up,
            self._take_and_hang_up,
            self._take_and_hang,
            self._take_and_fail,
        )
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post(PATH, self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """Where it takes deliveries."""
        return f"http://{self._address}:{self._port}{PATH}"

    async def start(self) -> None:
        """Begin to listen."""
        await self._runner.setup()
        await self._come()

    async def stop(self) -> None:
        """Go away."""
        await self._runner.cleanup()

    async def fail_sometimes(self, up_s: tuple[float, float], down_s: tuple[float, float]) -> None:
        """Be down now and then, each time in another manner, until this is cancelled."""
        try:
            while True:
                await asyncio.sleep(random.uniform(*up_s))
                self._manner = random.choice(self._manners)
                self.downs += 1
                if self._manner == self._hang_up:
                    await self._go()
                await asyncio.sleep(random.uniform(*down_s))
                await self._come()
        finally:
            await self._come()

    async def until(self, places: Collection[tuple[str, int]], timeout_s: float) -> None:
        """Wait until all these messages came, but not for ever."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._places.issuperset(places):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            return

    async def _come(self) -> None:
        self._manner = self._take
        if self._site is None:
            site = web.TCPSite(self._runner, self._address, self._port, reuse_address=True)
            await site.start()
            self._site = site

    async def _go(self) -> None:
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()

    # --- manners ---

    async def _answer(self, request: web.Request) -> web.Response:
        return await self._manner(request, await request.read())

    async def _take(self, request: web.Request, body: bytes) -> web.Response:
        name = request.headers["webhook-id"]
        signed = f"{name}.{request.headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if request.headers["webhook-signature"] != f"v1,{digest}":
            self.conflicts.append(f"the signature of {name} does not fit")
            return web.Response(status=401)
        entries = json.loads(body)["data"]["entries"]
        events = tuple(
            Event(entry["log_id"], entry["seq"], (entry["sender"], entry["client_id"]))
            for entry in entries
        )
        self.deliveries.append(Delivery(name, events))
        self._places.update((event.conversation_id, event.seq) for event in events)
        self._came.set()
        return web.Response(status=204)

    async def _refuse(self, _request: web.Request, _body: bytes) -> web.Response:
        return web.Response(status=503)

    async def _hang_up(self, request: web.Request, _body: bytes) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response(status=500)

    async def _take_and_hang_up(self, request: web.Request, body: bytes) -> web.Response:
        await self._take(request, body)
        return await self._hang_up(request, body)

    async def _take_and_hang(self, request: web.Request, body: bytes) -> web.Response:
        await self._take(request, body)
        await asyncio.sleep(HANG_S)
        return web.Response(status=204)

    async def _take_and_fail(self, request: web.Request, body: bytes) -> web.Response:
        await self._take(request, body)
        return web.Response(status=500)
