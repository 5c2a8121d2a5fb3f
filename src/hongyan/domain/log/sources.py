"""The feed of all entries as a source, whole or in parts."""

from collections.abc import Sequence
from zlib import crc32

from .model import Placed, offset_of, position_of
from .ports import ChangeStream
from .readers import Lag, ReaderPage

LOOK_AT = 500
COUNTED_MAX = 10_000
"""A lag of more entries is reported as this."""


class StreamSource:
    """The entries of some kinds, of all logs or of those that fall to one part.

    Args:
        stream: All entries.
        kinds: Only these; none of them means all.
        part: Which part, from 0.
        parts: How many there are.
    """

    def __init__(
        self, stream: ChangeStream, kinds: Sequence[str] = (), part: int = 0, parts: int = 1
    ) -> None:
        self._stream = stream
        self._kinds = kinds
        self._part = part
        self._parts = parts

    async def read(self, after: bytes, limit: int, until: bytes = b"") -> ReaderPage:
        """See ``Source.read``."""
        start, last = position_of(after), position_of(until)
        if self._kinds and not last:
            last = await self._stream.end()  # so far was looked, though little may be found
        look_at = limit if self._parts == 1 else max(limit, LOOK_AT)
        found = await self._stream.follow(start, look_at, last, self._kinds)
        items = [one for one in found if self._is_mine(one)][:limit]
        is_full = len(items) == limit or len(found) == look_at
        if len(items) == limit:
            end = items[-1][0]
        elif is_full:
            end = found[-1][0]
        else:
            end = max(start, last, found[-1][0] if found else 0)
        return ReaderPage(after, offset_of(end), items, is_full)

    async def lag(self, after: bytes, now_ms: int) -> Lag:
        """See ``Source.lag``; all entries count, whatever the reader makes of them."""
        return await stream_lag(self._stream, after, now_ms)

    def _is_mine(self, placed: Placed) -> bool:
        return part_of(placed[1].log_id, self._parts) == self._part


def part_of(log_id: str, parts: int) -> int:
    """Return the part that a log falls to, the same in every process and for ever."""
    return crc32(log_id.encode()) % parts if parts > 1 else 0


async def stream_lag(stream: ChangeStream, after: bytes, now_ms: int) -> Lag:
    """Return how far behind the feed's end a position is; two small reads."""
    position, end = position_of(after), await stream.end()
    if position >= end:
        return Lag(0, 0.0)
    found = await stream.follow(position, 1, end)
    if not found:
        return Lag(0, 0.0)
    _, tallies = await stream.tally(position, COUNTED_MAX)
    age_s = max(0, now_ms - found[0][1].sent_at_ms) / 1000
    return Lag(sum(tally.count for tally in tallies), age_s, position / end)
