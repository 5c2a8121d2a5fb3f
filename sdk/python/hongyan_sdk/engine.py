"""The parts of a client, joined: session, replica, outbox and streams."""

import asyncio
import contextlib
import time
from typing import Any

import msgspec
from msgspec.structs import replace

from .backoff import Backoff
from .errors import ConnectionLost, HongyanError, Refused
from .events import (
    Connected,
    ConversationChanged,
    Disconnected,
    Event,
    LoggedOutEvent,
    MessageFailed,
    MessageReceived,
    MessageSent,
    SignalReceived,
    Streams,
)
from .fold import read_up_to
from .ids import new_client_id
from .models import Ack, Content, Conversation, Entry, Message, OutboxItem
from .outbox import Outbox, Sending
from .past import Past
from .peers import name_peer
from .profiles import Profiles
from .remote import Remote
from .replica import Replica
from .session import Session
from .store import Store
from .wire import Push, Welcome, read


class Signal(msgspec.Struct, frozen=True):
    """A signal as it is pushed."""

    log_id: str
    kind: str
    sender: str = ""
    body: dict[str, Any] = {}


class Engine:
    """Works for one logged-in device from ``start`` to ``close``.

    Args:
        store: The local store.
        backoff: Makes the waits between connection attempts.
        client: What to call ourselves.
        catch_up: See ``Replica``.
    """

    def __init__(self, store: Store, backoff: Backoff, client: str, catch_up: int | None) -> None:
        self.store = store
        self.streams = Streams()
        self.outbox = Outbox(store, self._deliver, self._ready, self._sent, self._failed)
        self.session = Session(
            store, self._pushed, self._connected, self._disconnected, backoff, client
        )
        self.replica = Replica(
            store,
            self.session.call_now,
            self._publish,
            self.outbox.quiet,
            self._begun_anew,
            catch_up,
        )
        self.profiles = Profiles(self.call)
        self.past = Past(store, self.session.call, self.replica.refresh)
        self._applied: dict[str, asyncio.Event] = {}
        self._unconfirmed: dict[str, int] = {}
        self._confirming: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._syncing: asyncio.Task[None] | None = None
        self._must_sync = False
        self._connected_at_ms = 0

    @property
    def user_id(self) -> str:
        """The user who is logged in; empty before the first login."""
        account = self.store.account()
        return account.user_id if account is not None else ""

    def start(self) -> None:
        """Connect and stay connected; go on with the outbox."""
        self._running = asyncio.get_running_loop().create_task(self._run())
        self.outbox.start()

    async def close(self) -> None:
        """Stop everything; the store stays open."""
        own = (self._running, self._confirming, self._syncing)
        tasks = [task for task in own if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.outbox.close()
        await self.replica.close()
        await self.session.close()
        self.streams.close()

    # --- what the app asks ---

    async def call(self, method: str, params: dict[str, Any]) -> Any:
        """Ask the server; what it changed in a log is in the store when this returns.

        Raises:
            Refused, ConnectionLost, LoggedOut: see there.
        """
        result = msgspec.json.decode(await self.session.call(method, params))
        conversation_id = params.get("conversation_id", "")
        if isinstance(result, dict) and conversation_id and result.get("entry_seq"):
            await self.replica.reach(conversation_id, int(result["entry_seq"]))
        return result

    async def act(self, method: str, params: dict[str, Any]) -> Any:
        """Ask for a change of ``params["conversation_id"]``, and see it in the store."""
        result = await self.call(method, params)
        with contextlib.suppress(Refused):  # who has left learns of it by the push
            await self.replica.refresh(params["conversation_id"])
        return result

    async def learn(self, method: str, params: dict[str, Any]) -> Conversation:
        """Ask for something that answers a conversation, and put it into the store."""
        raw = await self.session.call(method, params)
        return await self.replica.learn(read(raw, Remote))

    def send(self, conversation_id: str, content: Content, **more: Any) -> Sending:
        """Put a message into the outbox."""
        client_id = new_client_id()
        given = {name: value for name, value in more.items() if value}
        params = {"conversation_id": conversation_id, "client_id": client_id, "content": content}
        item = OutboxItem(
            client_id=client_id,
            conversation_id=conversation_id,
            params={**params, **given},
            created_at_ms=time.time_ns() // 1_000_000,
        )
        return self.outbox.put(item)

    def pending(self, conversation_id: str = "") -> list[Message]:
        """Return what the outbox holds, oldest first."""
        return [self._waiting(item) for item in self.store.outbox(conversation_id)]

    def retry(self, client_id: str) -> Sending | None:
        """Send a failed message again; None where there is none."""
        item = self.store.item(client_id)
        if item is None:
            return None
        item = replace(item, error_code="", error_message="")
        return self.outbox.put(item)

    async def mark_read(self, conversation_id: str, seq: int | None) -> Conversation | None:
        """Move the read cursor to a seq, or to the end of what is here."""
        local = self.store.conversation(conversation_id)
        if seq is None:
            seq = local.tip if local is not None else 0
        if local is not None and local.read_seq >= seq and not local.unread:
            return local
        params = {"conversation_id": conversation_id, "seq": seq}
        mark = await self.call("conversation.read", params)
        local = self.store.conversation(conversation_id)
        if local is not None:
            local = read_up_to(self.store, local, mark)
            self.store.put_conversation(local)
            self._publish(ConversationChanged(local))
        return local

    # --- from the session ---

    async def _run(self) -> None:
        await self.session.run()
        failure = self.session.failure
        if failure is not None:
            self._publish(LoggedOutEvent(failure.reason))
        self.streams.close()

    async def _connected(self, welcome: Welcome) -> None:
        self._connected_at_ms = welcome.time_ms
        self.profiles.invalidate()
        await self.replica.sync(welcome.time_ms, welcome.generation)
        self._publish(Connected())

    def _begun_anew(self) -> None:
        """Deliver again what was acknowledged and has no place in the logs that are now."""
        self._unconfirmed.clear()
        for applied in self._applied.values():
            applied.set()

    def _disconnected(self, reason: str, retry_in_s: float) -> None:
        self.replica.offline()
        self._publish(Disconnected(reason, retry_in_s))

    def _pushed(self, push: Push) -> None:
        if push.event == "entry":
            self.replica.pushed(read(push.data, Entry))
        elif push.event == "signal":
            signal = read(push.data, Signal)
            if signal.kind == "profile":
                self.profiles.take(signal.body)
                name_peer(self.store, signal.body, signal.log_id, self._publish)
            self._publish(SignalReceived(signal.log_id, signal.kind, signal.sender, signal.body))
        elif push.event == "sync":
            self.profiles.invalidate()
            self._must_sync = True
            if self._syncing is None or self._syncing.done():
                self._syncing = asyncio.get_running_loop().create_task(self._sync_again())

    async def _sync_again(self) -> None:
        """Sync because the server asked for it; a connection that breaks begins with a sync."""
        while self._must_sync:
            self._must_sync = False
            with contextlib.suppress(Refused, ConnectionLost, HongyanError):
                await self.replica.sync(self._connected_at_ms)

    def _publish(self, event: Event) -> None:
        if isinstance(event, MessageSent):
            client_id = event.message.client_id
            self.outbox.settle(client_id, event.message)
            applied = self._applied.pop(client_id, None)
            if applied is not None:
                applied.set()
        elif isinstance(event, MessageReceived):
            self._confirm(event.message)
        self.streams.publish(event)

    # --- from the outbox ---

    async def _ready(self, conversation_id: str) -> None:
        await self.session.wait_online()
        if self.store.conversation(conversation_id) is None:
            with contextlib.suppress(Refused, ConnectionLost):  # the send itself will show it
                await self.replica.refresh(conversation_id)

    async def _deliver(self, item: OutboxItem) -> Ack:
        return read(await self.session.call_now("message.send", item.params), Ack)

    async def _sent(self, item: OutboxItem, ack: Ack) -> None:
        """Put our own message where it stands; return when all before it is here too."""
        if self.store.item(item.client_id) is None:
            return  # it came with a sync already
        body: dict[str, Any] = {"content": item.params["content"]}
        if "quote_seq" in item.params:
            seq = int(item.params["quote_seq"])
            quoted = self.store.entry(item.conversation_id, seq)
            body["quote"] = {"seq": seq, "sender": quoted.sender if quoted is not None else ""}
        if "burn_after_ms" in item.params:
            body["burn_after_ms"] = item.params["burn_after_ms"]
        entry = Entry(
            log_id=item.conversation_id,
            seq=ack.seq,
            ordinal=ack.ordinal,
            kind="message",
            sender=self.user_id,
            client_id=item.client_id,
            sent_at_ms=ack.sent_at_ms,
            body=body,
        )
        applied = self._applied[item.client_id] = asyncio.Event()
        try:
            self.replica.placed(entry)
            if self.store.item(item.client_id) is not None:
                await applied.wait()
        finally:
            self._applied.pop(item.client_id, None)

    def _failed(self, item: OutboxItem, refusal: Refused) -> None:
        failed = replace(item, error_code=refusal.code, error_message=refusal.message)
        self.store.put_item(failed)
        self.outbox.settle(item.client_id, refusal)
        self._publish(MessageFailed(self._waiting(failed), refusal))

    def _waiting(self, item: OutboxItem) -> Message:
        return Message(
            conversation_id=item.conversation_id,
            seq=0,
            sender=self.user_id,
            client_id=item.client_id,
            sent_at_ms=item.created_at_ms,
            content=item.params["content"],
            state="failed" if item.error_code else "pending",
        )

    # --- delivery receipts ---

    def _confirm(self, message: Message) -> None:
        """Report to the sender of a direct message that it has arrived here, soon."""
        local = self.store.conversation(message.conversation_id)
        if local is None or local.kind != "direct" or message.sender == self.user_id:
            return
        self._unconfirmed[message.conversation_id] = message.seq
        if self._confirming is None or self._confirming.done():
            self._confirming = asyncio.get_running_loop().create_task(self._confirm_all())

    async def _confirm_all(self) -> None:
        while self._unconfirmed:
            conversation_id, seq = self._unconfirmed.popitem()
            params = {"conversation_id": conversation_id, "seq": seq}
            with contextlib.suppress(Refused, ConnectionLost, HongyanError):
                await self.session.call("conversation.delivered", params)
