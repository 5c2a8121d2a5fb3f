"""Readers of the logs, as an operator sees them: how far they are, and what they could not do."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import structs

from hongyan.domain.log.model import Append, Bump, Change, Commit, Put, SaveOffset, encode_body
from hongyan.domain.log.ports import ChangeStream, Log, Records
from hongyan.domain.log.readers import (
    READER_CHANGED,
    READERS_LOG,
    PassedEntry,
    Reader,
    ReaderRef,
    fence_of,
)
from hongyan.domain.log.sources import StreamSource
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.clock import Clock

from .commands_readers import (
    ListReaders,
    NoSuchReader,
    NotRebuildable,
    PassedOver,
    ReaderInfo,
    ReaderStates,
    RebuildReader,
    RetryPassed,
)

SHOWN_MAX = 100
RETRIED_MAX = 1_000


class ReaderAdministration:
    """Answers ``admin.readers`` and its kin.

    Args:
        log: Where changes are committed.
        records: What was passed over.
        stream: All entries, and the saved positions.
        clock: The time of day.
        readers: Returns all readers that there are.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        stream: ChangeStream,
        clock: Clock,
        readers: Callable[[], Awaitable[Sequence[Reader]]],
    ) -> None:
        self._log = log
        self._records = records
        self._stream = stream
        self._clock = clock
        self._readers = readers

    @handles(ListReaders)
    async def list(self, _actor: Actor, _command: ListReaders) -> ReaderStates:
        """See ``ListReaders``."""
        infos, passed = [], []
        for reader in await self._readers():
            source = reader.source or StreamSource(self._stream)
            for work in reader.works:
                lag = await source.lag(await self._stream.offset(work), self._clock.now_ms())
                can_rebuild = reader.clear is not None
                infos.append(ReaderInfo(work, lag.entries, lag.seconds, lag.progress, can_rebuild))
                passed += await self._records.scan(PassedEntry, work, limit=SHOWN_MAX)
        names = PassedOver.__struct_fields__
        shown = [PassedOver(*[getattr(row, name) for name in names]) for row in passed]
        return ReaderStates(tuple(infos), tuple(shown))

    @handles(RetryPassed)
    async def retry(self, actor: Actor, command: RetryPassed) -> Done:
        """See ``RetryPassed``."""
        found = await self._records.scan(PassedEntry, command.reader, limit=RETRIED_MAX)
        rows = [row for row in found if command.number in (0, row.number)]
        if not rows:
            raise NoSuchReader
        changes = [Put(structs.replace(row, is_wanted=True)) for row in rows]
        await self._log.commit(self._commit(actor, command.reader.partition("/")[0], *changes))
        return DONE

    @handles(RebuildReader)
    async def rebuild(self, actor: Actor, command: RebuildReader) -> Done:
        """See ``RebuildReader``."""
        reader = next((one for one in await self._readers() if one.name == command.name), None)
        if reader is None:
            raise NoSuchReader
        if reader.clear is None:
            raise NotRebuildable
        changes: list[Change] = []
        for work in reader.works:  # whoever reads is shut out, and begins anew
            changes += [SaveOffset(work, b""), Bump(fence_of(work))]
        changes += await reader.clear()
        await self._log.commit(self._commit(actor, reader.name, *changes))
        return DONE

    def _commit(self, actor: Actor, name: str, *changes: Change) -> Commit:
        body = encode_body(ReaderRef(name))
        now_ms = self._clock.now_ms()
        return Commit(
            (Append(READERS_LOG, READER_CHANGED, actor.user_id, body, now_ms),), tuple(changes)
        )
