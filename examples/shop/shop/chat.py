"""What the shop's server asks of Hongyan. Only it holds the API key; pages never see it."""

import base64
import binascii
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import quote

import httpx

TOLERANCE_S = 300


class Chat:
    """The app-server API, as far as a shop needs it.

    Args:
        url: Hongyan's address.
        key: An API key with the scopes that the README names.
    """

    def __init__(self, url: str, key: str) -> None:
        headers = {"authorization": f"Bearer {key}"}
        self.url = url
        self._http = httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=10)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def put_user(self, external_id: str, name: str, locale: str = "") -> None:
        """Make or change the account of somebody of ours; may be repeated."""
        await self._ask("PUT", f"/app/users/{_in_path(external_id)}", name=name, locale=locale)

    async def login_token(self, external_id: str, peer: str = "") -> dict[str, Any]:
        """Return what logs this user's widget in once, within two minutes."""
        path = f"/app/users/{_in_path(external_id)}/login-tokens"
        return await self._ask("POST", path, peer=peer)

    async def open_conversation(
        self, external_id: str, name: str, owner: str, members: list[str]
    ) -> str:
        """Return the id of the conversation about something of ours, made where there is none."""
        asked = {"external_id": external_id, "name": name, "owner": owner, "members": members}
        return (await self._ask("POST", "/app/conversations", **asked))["conversation_id"]

    async def add_members(self, external_id: str, members: list[str]) -> None:
        """Let more of our people into a conversation."""
        path = f"/app/conversations/{_in_path(external_id)}/members"
        await self._ask("POST", path, members=members)

    async def remove_members(self, external_id: str, members: list[str]) -> None:
        """Take some of our people out of a conversation."""
        path = f"/app/conversations/{_in_path(external_id)}/members/remove"
        await self._ask("POST", path, members=members)

    async def subscribe(self, url: str, name: str) -> str:
        """Have messages delivered to this address, and return the secret that signs them."""
        for webhook in (await self._ask("GET", "/webhooks"))["webhooks"]:
            if webhook["name"] == name:
                await self._ask("DELETE", f"/webhooks/{webhook['webhook_id']}")
        made = await self._ask("POST", "/webhooks", url=url, name=name, kinds=["message"])
        return made["secret"]

    async def _ask(self, verb: str, path: str, **body: Any) -> Any:
        answer = await self._http.request(verb, path, json=body if body else None)
        if answer.is_error:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            raise ChatRefused(problem.get("code", str(answer.status_code)), problem.get("detail"))
        return answer.json()


class ChatRefused(Exception):
    """Hongyan says no."""

    def __init__(self, code: str, detail: str | None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


def is_signed(secret: str, headers: Any, body: bytes, now_s: float | None = None) -> bool:
    """Return whether a delivery is Hongyan's and fresh (Standard Webhooks)."""
    message_id = headers.get("webhook-id", "")
    at = headers.get("webhook-timestamp", "")
    now_s = time.time() if now_s is None else now_s
    if not message_id or not at.isdigit() or abs(now_s - int(at)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = hmac.digest(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256)
    for one in headers.get("webhook-signature", "").split():
        version, _, signature = one.partition(",")
        try:
            given = base64.b64decode(signature, validate=True)
        except binascii.Error:
            continue
        if version == "v1" and hmac.compare_digest(given, wanted):
            return True
    return False


def _in_path(external_id: str) -> str:
    return quote(external_id, safe="")
