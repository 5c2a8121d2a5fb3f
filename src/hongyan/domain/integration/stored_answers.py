"""Stored answers: what makes a repeated request harmless."""

from hongyan.domain.log.model import Commit, Drop, Put
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.clock import Clock

from .commands import AnswerFound, FindAnswer, KeepAnswer, KeyReused
from .model import StoredAnswer

KEPT_MS = 24 * 3600 * 1000
PAGE = 500


class StoredAnswers:
    """Answers ``answer.*``; ``run`` drops what is older than a day.

    Args:
        log: Where changes are committed.
        records: Where rows are read.
        clock: The time of day.
    """

    def __init__(self, log: Log, records: Records, clock: Clock) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._swept_at_ms = 0

    @handles(FindAnswer)
    async def find(self, _actor: Actor, command: FindAnswer) -> AnswerFound:
        """See ``FindAnswer``."""
        row = await self._records.get(StoredAnswer, command.owner, command.key)
        if row is None or row.stored_at_ms <= self._clock.now_ms() - KEPT_MS:
            return AnswerFound()
        if row.fingerprint != command.fingerprint:
            raise KeyReused
        return AnswerFound(row.status, row.body)

    @handles(KeepAnswer)
    async def keep(self, _actor: Actor, command: KeepAnswer) -> Done:
        """See ``KeepAnswer``."""
        row = StoredAnswer(
            owner=command.owner,
            request_key=command.key,
            fingerprint=command.fingerprint,
            status=command.status,
            body=command.body,
            stored_at_ms=self._clock.now_ms(),
        )
        await self._log.commit(Commit(changes=(Put(row),)))
        return DONE

    async def run(self, now_ms: int) -> int:
        """Drop a page of old answers, looking once a minute; return how many they were."""
        if now_ms - self._swept_at_ms < 60_000:
            return 0
        found = await self._records.scan(StoredAnswer, by="by_age", limit=PAGE)
        old = [row for row in found if row.stored_at_ms <= now_ms - KEPT_MS]
        if old:
            drops = tuple(Drop(StoredAnswer, row.key()) for row in old)
            await self._log.commit(Commit(changes=drops))
        if len(old) < PAGE:
            self._swept_at_ms = now_ms
        return len(old)
