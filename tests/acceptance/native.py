"""The plays' stage over the native protocol: real clients of the Python SDK."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from hongyan_sdk import (
    Backoff,
    Chat,
    Client,
    LoggedOutEvent,
    Message,
    MessageReceived,
    Refused,
    Store,
)
from hongyan_sdk import text as text_content
from hongyan_sdk.events import Event, Stream
from hongyan_sdk.fold import message_of
from hongyan_sdk.models import Entry

from .driver import Line, RefusedByServer, Target, TestServer

PASSWORD = "a wild goose 1898"
GROUP_METHODS_WITH_USERS = {"group.invite", "group.kick"}


@asynccontextmanager
async def refusals() -> AsyncIterator[None]:
    """Say refusals in the stage's words."""
    try:
        yield
    except Refused as refused:
        raise RefusedByServer(refused.code) from refused


class NativeDriver:
    """The world of one play: users of its own on a server that it may share.

    Args:
        server: The server.
        folder: Where the devices keep their stores.
    """

    def __init__(self, server: TestServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.groups: dict[str, str] = {}
        self.user_ids: dict[str, str] = {}
        self._suffix = secrets.token_hex(4)
        self._devices: dict[tuple[str, str], NativeDevice] = {}

    def handle(self, user: str) -> str:
        """Return the handle of a user of this play."""
        return f"{user.lower()}.{self._suffix}"

    def name(self, user_id: str) -> str:
        """Return who has this id."""
        return next(name for name, known in self.user_ids.items() if known == user_id)

    async def add_user(self, name: str) -> None:
        """See ``Driver``."""
        self.user_ids[name] = await self.server.add_user(self.handle(name), PASSWORD, name)

    def device(self, user: str, label: str) -> "NativeDevice":
        """See ``Driver``."""
        key = (user, label)
        if key not in self._devices:
            self._devices[key] = NativeDevice(self, user, label)
        return self._devices[key]

    async def restart(self, *, kill: bool) -> None:
        """See ``Driver``."""
        await asyncio.to_thread(self.server.change_shift, kill=kill)

    async def close(self) -> None:
        """Disconnect all devices."""
        for device in self._devices.values():
            await device.disconnect()


class NativeDevice:
    """See ``Device``."""

    def __init__(self, driver: NativeDriver, user: str, label: str) -> None:
        self._driver = driver
        self._user = user
        self._label = label
        self._path = driver.folder / f"{user}-{label}.db"
        self._client: Client | None = None
        self._events: Stream[Event] | None = None
        self._inboxes: dict[str, asyncio.Queue[Message]] = defaultdict(asyncio.Queue)
        self._reason: asyncio.Future[str] | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def client(self) -> Client:
        """The connected client."""
        assert self._client is not None, f"{self._user}'s {self._label} is not connected"
        return self._client

    @property
    def device_id(self) -> str:
        """The device's id."""
        return self.client.device_id

    async def connect(self) -> None:
        """See ``Device``."""
        async with refusals():
            self._client = Client.login(
                self._driver.server.url,
                self._driver.handle(self._user),
                PASSWORD,
                Store(self._path),
                device_name=self._label,
                backoff=Backoff(first_s=0.05, limit_s=0.5),
            )
            self._reason = asyncio.get_running_loop().create_future()
            self._events = self._client.events()
            self._listening = asyncio.ensure_future(self._listen(self._events))
            await self._client.__aenter__()

    async def disconnect(self) -> None:
        """See ``Device``."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
            assert self._listening is not None
            await self._listening

    async def say(self, target: Target, text: str, mentions: list[str], quotes: str) -> None:
        """See ``Device``."""
        async with refusals():
            chat = await self._chat(target)
            people = {f"@{name}": self._mentioned(name) for name in mentions}
            quoted = await self._find(chat, quotes) if quotes else 0
            sending = chat.send(text_content(text, people), quote_seq=quoted)
            if self.client.is_online:
                await sending

    async def next_received(self, target: Target) -> Line:
        """See ``Device``."""
        conversation_id = await self._conversation_id(target)
        return self._line(await self._inboxes[conversation_id].get())

    async def history(self, target: Target) -> list[Line]:
        """See ``Device``."""
        async with refusals():
            chat = await self._chat(target)
            return [self._line(message) for message in await chat.history(limit=1000)]

    async def archive(self, target: Target) -> list[Line]:
        """See ``Device``."""
        params = {"conversation_id": await self._conversation_id(target), "only_messages": True}
        async with refusals():
            page = await self.client.call("conversation.history", **params)
        entries = [msgspec.convert(one, Entry) for one in page["entries"]]
        return [self._line(message_of(entry)) for entry in entries]

    async def heard(self, target: Target, text: str) -> bool:
        """See ``Device``."""
        conversation_id = await self._conversation_id(target)
        kept = self.client.store.entries(conversation_id, 1, 10_000, 10_000)
        assert kept, "the device keeps nothing"
        return any(text in str(entry.body) for entry in kept)

    async def counts(self, target: Target) -> tuple[int, int]:
        """See ``Device``."""
        state = (await self._chat(target)).state
        return state.unread, state.mentions

    async def read(self, target: Target) -> None:
        """See ``Device``."""
        async with refusals():
            await (await self._chat(target)).mark_read()

    async def change(self, what: str, target: Target, text: str, **more: Any) -> None:
        """See ``Device``."""
        async with refusals():
            chat = await self._chat(target)
            seq = await self._find(chat, text)
            if what == "edit":
                await chat.edit(seq, more["said"])
            elif what == "recall":
                await chat.recall(seq)
            else:
                await chat.react(seq, more["emoji"], add=more["add"])

    async def act(self, what: str, **params: Any) -> None:
        """See ``Device``."""
        async with refusals():
            if what == "device.remove":
                removed = self._driver.device(self._user, params["label"]).device_id
                await self.client.call("user.kick_device", device_id=removed)
            elif what == "group.create":
                users = [self._driver.user_ids[name] for name in params.pop("users")]
                group = params.pop("group")
                chat = await self.client.create_group(group, users, **params)
                self._driver.groups[group] = chat.conversation_id
            elif what.startswith("group."):
                await self._act_on_group(what, params)
            else:
                if "user" in params:
                    params["user_id"] = self._driver.user_ids[params.pop("user")]
                await self.client.call(what, **params)

    async def settle(self) -> None:
        """See ``Device``."""
        await self.client.wait_online(10)
        await self.client.call("ping")

    async def goodbye(self) -> str:
        """See ``Device``."""
        assert self._reason is not None
        return await self._reason

    # --- inside ---

    async def _act_on_group(self, what: str, params: dict[str, Any]) -> None:
        chat = self.client.chat(self._driver.groups[params.pop("group")])
        if "users" in params:
            params["user_ids"] = [self._driver.user_ids[name] for name in params.pop("users")]
        if "user" in params:
            params["user_id"] = self._driver.user_ids[params.pop("user")]
        await chat.change(what, **params)

    async def _listen(self, events: Stream[Event]) -> None:
        async for event in events:
            if isinstance(event, MessageReceived):
                message = event.message
                assert self.client_store_has(message), "told before it was stored"
                self._inboxes[message.conversation_id].put_nowait(message)
            elif isinstance(event, LoggedOutEvent) and self._reason is not None:
                self._reason.set_result(event.reason)

    def client_store_has(self, message: Message) -> bool:
        """Whether the store has the message, or is closed already."""
        if self._client is None:
            return True
        return self._client.store.entry(message.conversation_id, message.seq) is not None

    async def _conversation_id(self, target: Target) -> str:
        if target.is_group:
            return self._driver.groups[target.name]
        user_id = self._driver.user_ids[target.name]
        for local in self.client.store.conversations():
            if local.kind == "direct" and local.peer_id == user_id:
                return local.conversation_id
        return (await self.client.open_direct(user_id)).conversation_id

    async def _chat(self, target: Target) -> Chat:
        return self.client.chat(await self._conversation_id(target))

    async def _find(self, chat: Chat, of: str) -> int:
        """Return the seq of the latest message with this text."""
        for message in reversed(await chat.history(limit=1000)):
            if message.text == of:
                return message.seq
        raise AssertionError(f"{self._user} sees no “{of}”")

    def _mentioned(self, name: str) -> str:
        return "all" if name == "all" else self._driver.user_ids[name]

    def _line(self, message: Message) -> Line:
        reactions = {
            emoji: [self._driver.name(user_id) for user_id in user_ids]
            for emoji, user_ids in message.reactions.items()
        }
        shown = "(recalled)" if message.recalled else message.text
        is_edited = bool(message.edited_at_ms) and not message.recalled
        return Line(self._driver.name(message.sender), shown, reactions, is_edited)
