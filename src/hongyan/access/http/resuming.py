"""Progress of a stream, as the id of its events: a stream that breaks goes on exactly there.

What several processes commit at the same time is not pushed in the order of positions, and a push
may be lost. So a stream knows up to where it has sent everything (``upto``) because it has read
it, and which later entries it has sent because they were pushed (``beyond``).
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hongyan.access.admission import Guest
from hongyan.domain.conversation.commands_archive import GetArchive
from hongyan.kernel.errors import Invalid
from hongyan.kernel.positions import DIGITS, position_of, token_of

_TOKEN = re.compile(r"([0-9a-z]{1,32})\.([0-9a-f]{1,16})((?:\.[0-9a-f]{1,16}){0,256})")
_encode = msgspec.json.Encoder().encode
PAGE = 500
RESUMED_MAX = 10_000
"""Most entries that are sent to a client that missed some; with more it syncs instead."""
BEYOND_MAX = 256
"""Most later entries in an id."""
BEYOND_READ = 16
"""With so many of them it is time to read again."""


def sse_event(name: str, data: Any) -> bytes:
    """Return one event of a stream."""
    return f"event: {name}\ndata: ".encode() + _encode(data) + b"\n\n"


class StreamProgress:
    """The entries that one stream has sent.

    Args:
        generation: Of the logs, whose positions these are.
        upto: All entries up to this position were sent.
        beyond: The positions of later ones that were sent as well.
    """

    def __init__(self, generation: str, upto: int, beyond: set[int] | None = None) -> None:
        self.generation = generation
        self.upto = upto
        self._beyond = beyond or set()
        self._read_at = BEYOND_READ

    @classmethod
    def parse(cls, token: str) -> "StreamProgress":
        """Return what the id of an event says.

        Raises:
            Invalid: it is none of ours.
        """
        if token.isascii() and token.isdigit():  # as the release before wrote them: a time
            return cls("", 0)
        match = _TOKEN.fullmatch(token)
        if match is None or int(match[2], 16) >= 2**63:
            raise Invalid("Last-Event-ID is not one of this server's.", field="last_event_id")
        upto = int(match[2], 16)
        beyond = {upto + int(one, 16) for one in match[3].split(".") if one}
        return cls(match[1], upto, beyond)

    @property
    def token(self) -> str:
        """The id of the last event; empty when that is too long, and an older one holds."""
        if len(self._beyond) > BEYOND_MAX:
            return ""
        later = "".join(f".{position - self.upto:x}" for position in sorted(self._beyond))
        return f"{self.generation}.{self.upto:x}{later}"

    @property
    def is_certain(self) -> bool:
        """Whether nothing was sent that is not covered by ``upto``."""
        return not self._beyond

    @property
    def is_due(self) -> bool:
        """Whether so much was sent beyond it that it is time to read."""
        return len(self._beyond) >= self._read_at

    def take(self, position: int) -> bool:
        """Note an entry as sent; return whether it was not sent before."""
        if position <= self.upto or position in self._beyond:
            return False
        self._beyond.add(position)
        return True

    def reach(self, upto: int) -> None:
        """Note that everything up to here was sent."""
        self.upto = max(self.upto, upto)
        self._beyond = {position for position in self._beyond if position > self.upto}

    def wait(self) -> None:
        """Read later: all that can be read now was read, and others hold up what is left."""
        self._read_at = max(BEYOND_READ, 2 * len(self._beyond))


class ResumableStream:
    """Writes one stream of events, so that it can be resumed: each entry once.

    Args:
        guest: Who listens, and reads the archive.
        progress: Where the archive ended before the stream was attached to the hub.
        write: Sends bytes.
    """

    def __init__(
        self, guest: Guest, progress: StreamProgress, write: Callable[..., Awaitable[None]]
    ) -> None:
        self._guest = guest
        self._progress = progress
        self._write = write

    async def begin(self, last: StreamProgress | None) -> None:
        """Send what happened since the last event that the client has."""
        now = self._progress
        if last is not None:
            self._progress = last
            is_known = last.generation == now.generation and last.upto <= now.upto
            if not is_known or not await self._read(RESUMED_MAX):
                self._progress = now
                await self._write(sse_event("resync", {}))
        await self._write(b": from here on, as it happens\n" + self._id() + b"\n")

    async def send(self, frames: list[bytes]) -> None:
        """Send what was pushed."""
        data = b"".join(map(self._of, frames))
        if data:
            await self._write(data)
        if self._progress.is_due:
            await self._read()

    async def rest(self) -> None:
        """Nothing was pushed for a while: say that the stream lives, and look whether it is so."""
        await self._write(b":\n\n")
        if not self._progress.is_certain:
            await self._read()

    async def end(self, frames: list[bytes], reason: str) -> None:
        """Send what is left, and why it ends."""
        last = b"".join(map(self._of, frames))
        if reason != "gone":
            last += sse_event("end", {"reason": reason})
        await self._write(last, more=False)

    def _of(self, frame: bytes) -> bytes:
        position = int(frame[:DIGITS], 16)
        if not position:
            return frame[DIGITS:]
        return self._id() + frame[DIGITS:] if self._progress.take(position) else b""

    def _id(self) -> bytes:
        token = self._progress.token
        return f"id: {token}\n".encode() if token else b""

    async def _read(self, limit: int = 0) -> bool:
        """Send what the archive has and the stream has not; return False when that is too much."""
        progress, count = self._progress, 0
        while True:
            command = GetArchive(after=token_of(progress.upto), limit=PAGE)
            page = await self._guest.part(command)
            data = b""
            for one in page.entries:
                is_new = progress.take(position_of(one.position))
                progress.reach(position_of(one.position))
                if is_new:
                    data += self._id() + sse_event("entry", one.entry)
            progress.reach(position_of(page.next))
            if data:
                await self._write(data)
            count += len(page.entries)
            if limit and count >= limit and page.more:
                return False
            if not page.more:
                progress.wait()
                return True
