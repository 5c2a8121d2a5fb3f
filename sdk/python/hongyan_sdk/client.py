"""The client: one device of one user."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from .accounts import log_in
from .backoff import Backoff
from .chats import Chat
from .contacts import Contacts
from .engine import Engine
from .errors import ConnectionLost, LoggedOut, StoreInUse
from .events import Event, LoggedOutEvent, MessageReceived, Stream
from .ids import new_client_id
from .models import Content, Conversation, Message
from .outbox import Sending
from .store import MemoryStore, Store

Handler = Callable[[Message], Awaitable[None]]


class Client:
    """A device, connected from ``async with`` to the end of the block.

    Args:
        url: The server's address, such as ``https://chat.example.org``.
        store: The local store; without one, a fresh one in memory.
        catch_up: How many missed messages of a conversation are fetched after an absence;
            beyond, the store skips to the newest ones. None fetches all, as a bot wants.
        backoff: Makes the waits between connection attempts.
        name: What this program is called.
    """

    def __init__(
        self,
        url: str,
        store: Store | None = None,
        *,
        catch_up: int | None = 1000,
        backoff: Backoff | None = None,
        name: str = "hongyan-python",
    ) -> None:
        self.url = url
        self.store = store or MemoryStore()
        self._engine = Engine(self.store, backoff or Backoff(), name, catch_up)
        self._entrance: tuple[str, dict[str, Any]] | None = None
        self._handlers: list[Handler] = []
        self._dispatching: asyncio.Task[None] | None = None
        self.contacts = Contacts(self._engine)

    @classmethod
    def login(
        cls,
        url: str,
        identifier: str,
        password: str,
        store: Store | None = None,
        *,
        platform: str = "cli",
        device_name: str = "",
        **options: Any,
    ) -> Self:
        """Return a client that logs in by handle, e-mail or telephone when it is entered.

        A store that still has tokens is used without logging in again.
        """
        params = {"identifier": identifier, "password": password}
        return cls(url, store, **options)._entering(
            "login", {**params, "platform": platform, "device_name": device_name}
        )

    @classmethod
    def register(
        cls,
        url: str,
        handle: str,
        password: str,
        store: Store | None = None,
        *,
        name: str = "",
        platform: str = "cli",
        device_name: str = "",
        invite: str = "",
        options: dict[str, Any] | None = None,
    ) -> Self:
        """Return a client that makes an account when it is entered."""
        params = {"handle": handle, "password": password, "name": name, "platform": platform}
        if invite:
            params["invite"] = invite
        return cls(url, store, **(options or {}))._entering(
            "register", {**params, "device_name": device_name}
        )

    async def __aenter__(self) -> Self:
        """Log in where needed, connect and sync.

        Raises:
            Refused: the server does not let this user in.
            ConnectionLost: it cannot be reached, and the store knows nobody.
            LoggedOut: the store's tokens are worth nothing any more.
        """
        try:
            await self._enter()
            if self._handlers:
                self._dispatching = asyncio.ensure_future(self._dispatch(self.messages()))
            self._engine.start()
            with contextlib.suppress(ConnectionLost):  # it goes on trying; the store can be read
                await self.wait_online(10.0)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; see there."""
        await self.close()

    async def close(self) -> None:
        """Disconnect and close the store. What the outbox holds is sent next time."""
        await self._engine.close()
        if self._dispatching is not None:
            self._dispatching.cancel()
            await asyncio.gather(self._dispatching, return_exceptions=True)
        self.store.close()

    # --- the connection ---

    @property
    def user_id(self) -> str:
        """The user who is logged in."""
        return self._engine.user_id

    @property
    def device_id(self) -> str:
        """The id of this device."""
        return self._engine.session.account.device_id

    @property
    def is_online(self) -> bool:
        """Whether the device is connected and up to date."""
        return self._engine.session.is_online

    async def wait_online(self, timeout_s: float | None = None) -> None:
        """Return when the device is connected and up to date.

        Raises:
            ConnectionLost: not within this time.
            LoggedOut: it never will be.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._engine.session.wait_online()
        except TimeoutError as error:
            raise ConnectionLost("not connected yet") from error

    async def call(self, method: str, /, **params: Any) -> Any:
        """Ask any method of the protocol, and return its result as plain objects.

        Waits for a connection for up to 30 s, and asks once.

        Raises:
            Refused: the server says no.
            ConnectionLost: no answer; it may have been carried out.
            LoggedOut: this device may not connect any more.
        """
        return await self._engine.call(method, params)

    async def log_out(self) -> None:
        """Remove this device from the account, and its tokens from the store."""
        with contextlib.suppress(ConnectionLost, LoggedOut):
            await self._engine.call("user.log_out", {})
        self._engine.session.forget()

    # --- events ---

    def events(self) -> Stream[Event]:
        """Return a stream of everything that happens from now on.

        Open it before entering the client to have what happens while it connects, too.
        """
        return self._engine.streams.open(lambda event: event)

    def messages(self) -> Stream[Message]:
        """Return a stream of the messages that others send from now on, each once, in order.

        Open it before entering the client to have what comes while it connects, too.
        """
        return self._engine.streams.open(self._others)

    def on_message(self, handler: Handler) -> Handler:
        """Call this coroutine function with each message of others, one after the other.

        Use it as a decorator before entering the client.
        """
        self._handlers.append(handler)
        return handler

    async def run(self) -> None:
        """Work until the device is logged out or the task is cancelled.

        Raises:
            LoggedOut: with the reason.
        """
        async for event in self.events():
            if isinstance(event, LoggedOutEvent):
                raise LoggedOut(event.reason)

    # --- conversations ---

    def conversations(self) -> list[Conversation]:
        """Return the conversations of this user, the most recently active first."""
        found = [local for local in self.store.conversations() if local.active]
        return sorted(found, key=lambda local: (-local.active_at_ms, local.conversation_id))

    def chat(self, conversation_id: str) -> Chat:
        """Return the handle of a conversation."""
        return Chat(self._engine, conversation_id)

    async def open_direct(self, user_id: str) -> Chat:
        """Return the direct conversation with somebody, made where there is none yet."""
        local = await self._engine.learn("conversation.open_direct", {"user_id": user_id})
        return self.chat(local.conversation_id)

    async def create_group(self, name: str, user_ids: list[str], **more: Any) -> Chat:
        """Make a group; ``more`` are further parameters of ``group.create``."""
        params = {"client_id": new_client_id(), "name": name, "user_ids": user_ids, **more}
        created = await self._engine.call("group.create", params)
        chat = self.chat(created["conversation_id"])
        await chat.refresh()
        return chat

    def send(self, conversation_id: str, content: Content | str) -> Sending:
        """Put a message into the outbox; see ``Chat.send``."""
        chat = self.chat(conversation_id)
        return chat.send_text(content) if isinstance(content, str) else chat.send(content)

    def pending(self) -> list[Message]:
        """Return the messages that wait in the outbox or have failed, oldest first."""
        return self._engine.pending()

    def retry(self, client_id: str) -> Sending | None:
        """Send a failed message of the outbox again; None where there is none."""
        return self._engine.retry(client_id)

    def discard(self, client_id: str) -> None:
        """Take a failed message out of the outbox."""
        self.store.drop_item(client_id)

    # --- inside ---

    def _entering(self, path: str, params: dict[str, Any]) -> Self:
        self._entrance = (path, params)
        return self

    async def _enter(self) -> None:
        """Have tokens: those of the store, or new ones."""
        known = self.store.account()
        if self._entrance is not None:
            path, params = self._entrance
            identifier = params.get("identifier") or params.get("handle", "")
            if known is not None and identifier not in {known.identifier, known.user_id}:
                raise StoreInUse(f"the store holds the account of {known.identifier}")
            if known is None or not known.refresh_token:
                tokens = await log_in(self.url, path, params)
                self._engine.session.keep(self.url, tokens, identifier)
        if self._engine.session.account.url != self.url:
            self._engine.session.move(self.url)

    def _others(self, event: Event) -> Message | None:
        if isinstance(event, MessageReceived) and event.message.sender != self.user_id:
            return event.message
        return None

    async def _dispatch(self, messages: Stream[Message]) -> None:
        async for message in messages:
            for handler in self._handlers:
                await handler(message)
