"""A small world to try the REST API in: Alice, who is an administrator, and what is around her.

``real`` maps the ids of the examples to those of this world.
"""

import asyncio
import contextlib
import itertools
import json
import time
from pathlib import Path
from typing import Any

import httpx

from hongyan.access.control.client import ControlClient
from hongyan.access.http import examples
from hongyan.access.http.operations import Operation, operations
from hongyan.access.http.routes import ROUTES
from hongyan.domain.catalog import COMMANDS
from hongyan.domain.integration.commands_webhooks import DeleteWebhook
from hongyan.domain.user.commands_admin import CreateUser, MintToken
from hongyan.kernel.bus import ANONYMOUS
from hongyan.kernel.errors import Refusal

PASSWORD = "plum blossom 7"
OPERATIONS = {operation.method: operation for operation in operations(COMMANDS, ROUTES)}
_numbers = itertools.count(1)


class Harness:
    """One set of people on a server.

    Args:
        url: The server's.
        folder: Its data folder.
        hook: Where the world's webhook goes.
    """

    def __init__(self, url: str, folder: Path, hook: str = "http://127.0.0.1:9/") -> None:
        self.url = url
        self._folder = folder
        self._hook = hook
        self.real: dict[Any, Any] = {}
        self.tokens: dict[str, str] = {}
        self.client = httpx.Client(base_url=url, timeout=30)

    def build(self) -> None:
        """Make everybody and everything; no event loop may be running."""
        self.real[examples.LATER_MS] = int(time.time() * 1000) + 86_400_000
        asyncio.run(self._people())
        self._friends()
        self._found_group()
        self._business()

    async def _people(self) -> None:
        number = next(_numbers)
        control = await ControlClient.connect(self._folder)
        try:
            for sample, handle in (
                (examples.ALICE, "alice"),
                (examples.BOB, "bob"),
                (examples.CAROL, "carol"),
            ):
                command = CreateUser(
                    handle=f"{handle}{number}",
                    password=PASSWORD if handle == "alice" else None,
                    admin=handle == "alice",
                    name=handle.title(),
                )
                made = await control.call(ANONYMOUS, command)
                minted = await control.call(ANONYMOUS, MintToken(user_id=made.user_id))
                self.real[sample] = made.user_id
                self.tokens[sample] = minted.access_token
                self.real[handle] = made.handle
                if handle == "alice":
                    self.real |= {
                        examples.PHONE: minted.device_id,
                        examples.REFRESH: minted.refresh_token,
                    }
                else:
                    again = await control.call(ANONYMOUS, MintToken(user_id=made.user_id))
                    self.tokens[f"{sample} again"] = again.access_token
        finally:
            await control.close()

    def _friends(self) -> None:
        self.call("relation.request", {"user_id": examples.BOB})
        self.call("relation.answer", {"user_id": examples.ALICE, "accept": True}, who=examples.BOB)
        self.call("relation.request", {"user_id": examples.ALICE}, who=examples.CAROL)
        direct = self.call("conversation.open_direct", {"user_id": examples.BOB})
        self.real[examples.CHAT] = direct["conversation_id"]

    def _found_group(self) -> None:
        made = self.call(
            "group.create",
            {
                "client_id": "world",
                "name": "Team",
                "user_ids": [examples.BOB],
                "join_policy": "approval",
            },
        )
        self.real[examples.GROUP] = made["conversation_id"]
        poll = {"type": "poll", "question": "When?", "options": ["noon", "one"]}
        for client_id, content in (("w-1", examples.TEXT), ("w-2", poll)):
            params = {**examples.IN_GROUP, "client_id": client_id, "content": content}
            self.call("message.send", params)
        link = self.call("group.link_create", examples.IN_GROUP)
        self.real[examples.LINK] = link["token"]
        self.call("group.join", {**examples.IN_GROUP, "answer": "hello"}, who=examples.CAROL)
        later = {**examples.IN_GROUP, "client_id": "a-4", "content": examples.TEXT}
        self.call("message.schedule", {**later, "at_ms": examples.LATER_MS})

    def _business(self) -> None:
        self.real[examples.INVITE] = self.call("user.invite_create", {})["code"]
        code = self.call("user.reset_code_create", {"user_id": examples.ALICE})["code"]
        self.real[examples.CODE] = code
        key = self.call("key.create", {"name": "world", "scopes": ["users:read"]})
        self.real[examples.KEY] = key["info"]["key_id"]
        asked = examples.EXAMPLES["app_password.create"]
        made = self.call("app_password.create", {**asked, "label": "world"})
        self.real[examples.APP_PASSWORD] = made["app_password"]["app_password_id"]
        for external_id in ("seller-1", "customer-7", "courier-3"):
            self.call("app.user_upsert", {"external_id": external_id, "name": external_id})
        self.call("app.user_upsert", {"external_id": "shop-notices", "bot": True})
        minted = self.call("app.mint_login_token", {"external_id": "customer-7"})
        self.real[examples.LOGIN_TOKEN] = minted["login_token"]
        self.call("app.conversation_create", examples.EXAMPLES["app.conversation_create"])
        webhook = self.call(
            "webhook.create",
            {"url": self._hook, "conversation_ids": [self.real[examples.GROUP]], "batch_max": 1},
        )
        self.real[examples.WEBHOOK] = webhook["info"]["webhook_id"]

    def forget_webhook(self) -> None:
        """Remove the webhook, of which a server takes a hundred; the operator always may."""

        async def work() -> None:
            control = await ControlClient.connect(self._folder)
            with contextlib.suppress(Refusal):
                webhook_id = self.real[examples.WEBHOOK]
                await control.call(ANONYMOUS, DeleteWebhook(webhook_id=webhook_id))
            await control.close()

        asyncio.run(work())

    def realised(self, value: Any) -> Any:
        """Return the value with this world's ids in the places of the examples'."""
        if isinstance(value, dict):
            return {self.realised(k): self.realised(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.realised(one) for one in value]
        return self.real.get(value, value)

    def request(self, method: str, params: dict[str, Any], who: str = "") -> httpx.Response:
        """Ask over HTTP as the operation says."""
        operation: Operation = OPERATIONS[method]
        values = self.realised(params)
        path = operation.full_path
        for field in operation.path_fields:
            text = httpx.QueryParams({"": str(values.pop(field.name))})
            path = path.replace(f"{{{field.name}}}", str(text)[1:].replace("+", "%20"))
        query: dict[str, Any] = {}
        if operation.verb in ("GET", "DELETE"):
            query = {name: _text(value) for name, value in values.items()}
            values = None
        token = self.tokens[who or examples.ALICE]
        return self.client.request(
            operation.verb,
            path,
            params=query,
            json=values if operation.body is not None else None,
            headers={"authorization": f"Bearer {token}"},
        )

    def call(self, method: str, params: dict[str, Any], who: str = "") -> Any:
        """Ask, and return what is answered; a refusal fails."""
        answer = self.request(method, params, who)
        assert answer.status_code == 200, (method, answer.text)
        return answer.json()


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool) else value
