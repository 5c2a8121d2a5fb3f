"""One connection to NATS: publishing that never waits, and messages of any length.

A message that is longer than the broker takes goes in parts; the broker keeps the order of one
sender's messages on a subject, so parts need no numbers, only their sender's name.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from hongyan.kernel.ids import new_token_id
from hongyan.kernel.tasks import end_tasks

log = logging.getLogger(__name__)

NAME_BYTES = 26
WHOLE, FIRST, NEXT, LAST = b"\x00", b"\x01", b"\x02", b"\x03"
QUEUE_BYTES_MAX = 32 * 1024 * 1024
BUFFER_BYTES = 8 * 1024 * 1024
PARTS_BYTES_MAX = 64 * 1024 * 1024
RECONNECT_S = 0.1
NO_RESPONDERS = "503"


class _Direct:
    """Stands where a subscription has its queue, and hands each message on at once.

    The library gives every subscription a queue and a task, so messages of different subjects
    overtake each other, and each costs a switch of tasks. ``put_nowait`` is all that it calls
    when a message comes; ``tests/contract/test_carrier.py`` holds that.
    """

    def __init__(self, taken: Callable[[Msg], None]) -> None:
        self.put_nowait = taken

    def empty(self) -> bool:
        """Nothing ever waits."""
        return True

    def qsize(self) -> int:
        """Nothing ever waits."""
        return 0

    async def join(self) -> None:
        """Nothing ever waits."""


Taker = Callable[[str, bytes], None]
"""Takes a subject and what was published there."""


class NatsConnection:
    """A connection that lives until it is closed, however often the broker goes away.

    Args:
        urls: The broker's addresses.
        name: What the broker's operator sees.

    Attributes:
        me: This process's own name among all that ever connect: 26 characters, new each time.
        dropped: How many messages were given up because too much waited.
    """

    def __init__(self, urls: tuple[str, ...], name: str) -> None:
        self.me = new_token_id()
        self.dropped = 0
        self._urls = urls
        self._name = name
        self._client = Client()
        self._queue: deque[tuple[str, bytes, str]] = deque()
        self._queued_bytes = 0
        self._wake, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._sender: asyncio.Task[None] | None = None
        self._on_back: list[Callable[[], None]] = []
        self._on_lost: list[Callable[[], None]] = []

    async def open(self) -> None:
        """Connect.

        Raises:
            OSError: no broker can be reached.
        """
        try:
            await self._client.connect(
                list(self._urls),
                name=self._name,
                allow_reconnect=True,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_S,  # type: ignore[arg-type]
                connect_timeout=2,
                ping_interval=5,
                max_outstanding_pings=2,
                pending_size=BUFFER_BYTES,
                error_cb=self._failed,
                disconnected_cb=self._lost,
                reconnected_cb=self._back,
            )
        except (NatsError, TimeoutError) as error:
            raise OSError(f"NATS at {', '.join(self._urls)} cannot be reached: {error}") from error
        self._sender = asyncio.get_running_loop().create_task(self._send())

    async def close(self) -> None:
        """Send what is queued, for a second at most, and hang up."""
        try:
            await self.flush(1.0)
        finally:
            if self._sender is not None:
                await end_tasks([self._sender])
            await self._client.close()

    async def flush(self, seconds: float) -> None:
        """Return when the broker has all that was published, or after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
                if self.is_up:
                    await self._client.flush()
        except (NatsError, TimeoutError, OSError):
            log.info("NATS went away before it had everything")

    @property
    def is_up(self) -> bool:
        """Whether the broker is there now."""
        return self._client.is_connected

    @property
    def client(self) -> Client:
        """The library's client, for what is not offered here."""
        return self._client

    def on_lost(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever the broker has gone."""
        self._on_lost.append(listener)

    def on_back(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever the broker is back; what was sent meanwhile may be lost."""
        self._on_back.append(listener)

    def publish(self, subject: str, payload: bytes, reply: str = "") -> bool:
        """Queue a message; returns at once.

        Returns:
            Whether it was queued; too much waiting makes it be dropped and counted.
        """
        if self._queued_bytes > QUEUE_BYTES_MAX:
            self.dropped += 1
            return False
        self._queue.append((subject, payload, reply))
        self._queued_bytes += len(payload)
        self._wake.set()
        self._idle.clear()
        return True

    async def subscribe(
        self,
        subject: str,
        take: Taker,
        bounced: Callable[[str], None] | None = None,
        *,
        confirms: bool = False,
    ) -> Subscription:
        """Call ``take`` with each message of a subject.

        What one sender sends comes in order, over all subscriptions of this connection.

        Args:
            subject: The subject; ``*`` and ``>`` as NATS has them.
            take: Must not block; what it raises is logged.
            bounced: Called with the subject of a reply that says that nobody listens where a
                message was sent to.
            confirms: Whether a message that names where to reply is answered with an empty one
                when it was taken.
        """
        parts: dict[bytes, bytearray] = {}

        def taken(message: Msg) -> None:
            try:
                if message.headers and message.headers.get("Status") == NO_RESPONDERS:
                    if bounced is not None:
                        bounced(message.subject)
                    return
                whole = _joined(parts, message.data)
                if whole is not None:
                    take(message.subject, whole)
                    if confirms and message.reply:
                        self.publish(message.reply, b"")
            except Exception:
                log.exception("a message on %s cannot be taken", message.subject)

        subscription = await self._client.subscribe(subject, pending_bytes_limit=0)
        subscription._pending_queue = _Direct(taken)  # type: ignore[assignment]
        return subscription

    async def _send(self) -> None:
        me = self.me.encode()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                subject, payload, reply = self._queue.popleft()
                self._queued_bytes -= len(payload)
                room = self._client.max_payload - NAME_BYTES - 1
                try:
                    for part in _parts(payload, me, room):
                        await self._client.publish(subject, part, reply)
                except (NatsError, OSError) as error:
                    self.dropped += 1
                    log.warning("a message to %s was dropped: %s", subject, error)
            self._idle.set()

    async def _failed(self, error: Exception) -> None:
        log.warning("NATS: %s", error or type(error).__name__)

    async def _lost(self) -> None:
        for listener in self._on_lost:
            listener()

    async def _back(self) -> None:
        log.info("NATS is back")
        for listener in self._on_back:
            listener()


def _parts(payload: bytes, sender: bytes, room: int) -> Iterator[bytes]:
    """Yield what goes over the wire for one message."""
    if len(payload) <= room:
        yield WHOLE + sender + payload
        return
    for start in range(0, len(payload), room):
        end = start + room
        mark = FIRST if not start else NEXT if end < len(payload) else LAST
        yield mark + sender + payload[start:end]


def _joined(parts: dict[bytes, bytearray], data: bytes) -> bytes | None:
    """Return the message that these bytes complete; None while there is more to come."""
    mark, sender, body = data[:1], data[1 : NAME_BYTES + 1], data[NAME_BYTES + 1 :]
    held = parts.pop(sender, None) if parts else None
    if mark == WHOLE:
        return body
    if mark == FIRST:
        held = bytearray()
    elif held is None or len(held) > PARTS_BYTES_MAX:
        return None  # its beginning was lost, or there is no end to it
    held += body
    if mark == LAST:
        return bytes(held)
    parts[sender] = held
    return None
