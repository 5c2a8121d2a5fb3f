"""The outbox of one socket: bounded, and written once a turn of the event loop."""

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Flusher:
    """Flushes, at the end of the loop's tick, every outbox that was pushed to."""

    def __init__(self) -> None:
        self.cuts = 0
        """Outboxes that were cut for being too slow."""
        self._dirty: list[Outbox] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def mark(self, outbox: "Outbox") -> None:
        """Flush this outbox at the end of the tick."""
        if not self._dirty:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._flush)
        self._dirty.append(outbox)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            try:
                outbox.flush()
            except Exception:  # the others must still have their frames
                log.exception("an outbox cannot be flushed")


class Outbox:
    """Frames of one tick, written together.

    Args:
        flusher: Calls ``flush`` at the end of the tick.
        write: Takes the joined frames; buffers what the socket cannot take now.
        buffered: Says how many bytes ``write`` has buffered.
        overflow: Called once when more than ``limit_bytes`` wait: the peer is too slow and
            is to be cut (it will sync when it comes back).
        limit_bytes: The bound on queued and buffered bytes together.
    """

    __slots__ = ("_buffered", "_flusher", "_frames", "_limit", "_overflow", "_size", "_write")

    def __init__(
        self,
        flusher: Flusher,
        write: Callable[[bytes], None],
        buffered: Callable[[], int],
        overflow: Callable[[], None],
        limit_bytes: int,
    ) -> None:
        self._flusher = flusher
        self._write = write
        self._buffered = buffered
        self._overflow: Callable[[], None] | None = overflow
        self._limit = limit_bytes
        self._frames: list[bytes] = []
        self._size = 0

    def push(self, frame: bytes) -> None:
        """Queue a frame; after an overflow or ``close`` it is dropped."""
        if self._overflow is None:
            return
        if not self._frames:
            self._flusher.mark(self)
        self._frames.append(frame)
        self._size += len(frame)
        if self._size > self._limit:
            self._cut()

    def flush(self) -> None:
        """Write what is queued."""
        frames = self._frames
        if not frames:
            return
        self._frames = []
        self._size = 0
        try:
            self._write(frames[0] if len(frames) == 1 else b"".join(frames))
        except (RuntimeError, OSError):  # the connection has gone under us
            self.close()
        if self._overflow is not None and self._buffered() > self._limit:
            self._cut()

    @property
    def waiting_bytes(self) -> int:
        """The bytes that are queued and buffered."""
        return self._size + self._buffered()

    def close(self) -> None:
        """Drop what comes from now on; what was pushed before is still flushed."""
        self._overflow = None

    def _cut(self) -> None:
        overflow, self._overflow = self._overflow, None
        self._frames = []
        if overflow is not None:
            self._flusher.cuts += 1
            overflow()
