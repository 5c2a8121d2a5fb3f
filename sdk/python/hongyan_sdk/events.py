"""Typed events of a client, and the streams that carry them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from .errors import Refused
from .models import Conversation, Entry, Message


class Connected(Struct, frozen=True):
    """The device is connected and its local store is up to date."""


class Disconnected(Struct, frozen=True):
    """The connection is gone; the client tries again in ``retry_in_s`` seconds."""

    reason: str
    retry_in_s: float


class BegunAnew(Struct, frozen=True):
    """The server was restored from a backup, and the local store was filled anew.

    Read again whatever is shown: conversations and messages may be gone or have other seqs. What
    the outbox holds is sent all the same.
    """


class LoggedOutEvent(Struct, frozen=True):
    """The device may not connect any more, and the client has stopped."""

    reason: str


class MessageReceived(Struct, frozen=True):
    """Somebody else, or another device of this user, sent a message. Published once, in order."""

    message: Message


class MessageSent(Struct, frozen=True):
    """A message of this device's outbox is on the server."""

    message: Message


class MessageFailed(Struct, frozen=True):
    """The server refused a message of the outbox for good; it stays there, marked failed."""

    message: Message
    error: Refused


class MessageChanged(Struct, frozen=True):
    """A message was edited, recalled or reacted to; ``message`` is how it stands now."""

    message: Message


class EntryReceived(Struct, frozen=True):
    """Something else happened in a conversation: a member joined, a pin, a vote."""

    entry: Entry


class ConversationChanged(Struct, frozen=True):
    """A conversation is new, or its unread count, name or preferences changed."""

    conversation: Conversation


class UserLogReceived(Struct, frozen=True):
    """An entry of this user's own log: friends, settings, devices."""

    entry: Entry


class SignalReceived(Struct, frozen=True):
    """Something that does not last: typing, presence, read receipts, changed profiles."""

    log_id: str
    kind: str
    sender: str
    body: dict[str, Any]


Event = (
    Connected
    | Disconnected
    | BegunAnew
    | LoggedOutEvent
    | MessageReceived
    | MessageSent
    | MessageFailed
    | MessageChanged
    | EntryReceived
    | ConversationChanged
    | UserLogReceived
    | SignalReceived
)

T = TypeVar("T")


def without_older(events: Sequence[Event]) -> list[Event]:
    """Leave out events of a conversation that a later event replaces."""
    last = {
        event.conversation.conversation_id: event
        for event in events
        if isinstance(event, ConversationChanged)
    }
    return [
        event
        for event in events
        if not isinstance(event, ConversationChanged)
        or last[event.conversation.conversation_id] is event
    ]


class Stream(Generic[T]):
    """An async iterator over the events since it was made; ends when the client closes.

    What the app does not take waits without bound, so take it or ``close`` the stream.
    """

    def __init__(self, streams: "Streams", choose: Callable[[Event], T | None]) -> None:
        self._streams = streams
        self._choose = choose
        self._queue: asyncio.Queue[T | None] = asyncio.Queue()
        self._ended = False

    def __aiter__(self) -> "Stream[T]":
        return self

    async def __anext__(self) -> T:
        if self._ended and self._queue.empty():
            raise StopAsyncIteration
        item = await self._queue.get()
        if item is None:
            raise StopAsyncIteration
        return item

    def take(self, event: Event) -> None:
        """Queue the event if this stream wants it."""
        item = self._choose(event)
        if item is not None:
            self._queue.put_nowait(item)

    def close(self) -> None:
        """Take no more; whoever iterates gets what is queued and then the end."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(None)
            self._streams.forget(self)


class Streams:
    """All open streams of a client."""

    def __init__(self) -> None:
        self._open: list[Stream[Any]] = []

    def open(self, choose: Callable[[Event], T | None]) -> Stream[T]:
        """Return a new stream of what ``choose`` makes of each event; None leaves it out."""
        stream = Stream(self, choose)
        self._open.append(stream)
        return stream

    def publish(self, event: Event) -> None:
        """Hand the event to every stream, in the order of the calls."""
        for stream in list(self._open):
            stream.take(event)

    def forget(self, stream: Stream[Any]) -> None:
        """Publish no more to this stream."""
        if stream in self._open:
            self._open.remove(stream)

    def close(self) -> None:
        """End all streams."""
        for stream in list(self._open):
            stream.close()
