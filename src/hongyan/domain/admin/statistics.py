"""Usage statistics: counters kept by a reader of all entries, exact across restarts."""

from collections import Counter
from collections.abc import Sequence

from hongyan.domain.group.model import CONVERSATION_CREATED
from hongyan.domain.log.model import (
    Change,
    Commit,
    Drop,
    Entry,
    Put,
    Row,
    Tally,
    offset_of,
    position_of,
)
from hongyan.domain.log.ports import ChangeStream, Records
from hongyan.domain.log.readers import Lag, Reader, ReaderPage
from hongyan.domain.log.sources import stream_lag
from hongyan.domain.message.model import MESSAGE
from hongyan.domain.user.model import USER_CHANGED, User
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.ids import Kind, UserId

from .commands import Day, GetStatistics, Statistics
from .model import DayCount, LastActive, Total
from .ports import UsageMeter
from .rules import date_of, day_of, is_person, totalled

READER = "statistics"
BATCH = 20_000
RARE = (CONVERSATION_CREATED, USER_CHANGED)
DAYS = 30
PACE_S = 1.0
"""How often the counters are raised at most."""


class Tallies:
    """The feed as a ``Source`` of tallies: entries are counted where they lie, and not read.

    Args:
        stream: All entries.
    """

    def __init__(self, stream: ChangeStream) -> None:
        self._stream = stream

    async def read(self, after: bytes, limit: int, until: bytes = b"") -> ReaderPage:
        """See ``Source.read``; of what was given before, one entry."""
        end, tallies = await self._stream.tally(position_of(after), 1 if until else limit)
        is_full = sum(tally.count for tally in tallies) == limit
        return ReaderPage(after, offset_of(end), tallies, is_full)

    async def lag(self, after: bytes, now_ms: int) -> Lag:
        """See ``Source.lag``."""
        return await stream_lag(self._stream, after, now_ms)


class Counting:
    """Counts what the logs show, and answers ``admin.statistics``.

    The counters and how far they have come are one commit: a crash makes nothing count twice
    and nothing be missed.

    Args:
        records: The counters.
        stream: All entries.
        clock: The time of day.

    Attributes:
        reader: What the runtime runs.
        usage: What the server takes of its machine.
    """

    def __init__(
        self, records: Records, stream: ChangeStream, clock: Clock, usage: UsageMeter
    ) -> None:
        self._records = records
        self._stream = stream
        self._clock = clock
        self.reader = Reader(
            READER,
            self.handle,
            source=Tallies(stream),
            batch=BATCH,
            pace_s=PACE_S,
            clear=self.clear,
        )
        self._usage = usage

    async def handle(self, page: ReaderPage) -> Commit:
        """Return what raises the counters by a page of tallies."""
        start, end = position_of(page.after), position_of(page.end)
        rare = await self._stream.follow(start, BATCH, end, RARE)
        return Commit(changes=tuple(await self._counted(page.items, [one for _, one in rare])))

    async def clear(self) -> tuple[Change, ...]:
        """Return what takes all counters away."""
        rows: tuple[type[Row], ...] = (LastActive, DayCount, Total)
        return tuple([Drop(row, key) for row in rows for key in await self._records.keys(row)])

    async def _counted(self, tallies: Sequence[Tally], rare: list[Entry]) -> list[Change]:
        totals = Counter(name for entry in rare for name in totalled(entry))
        messages: Counter[int] = Counter()
        last: dict[UserId, int] = {}
        arrivals: Counter[int] = Counter()
        people = {tally.sender for tally in tallies if is_person(tally.sender)}
        known = await self._records.get_many(LastActive, [(user,) for user in people])
        for tally in sorted(tallies, key=lambda tally: tally.day):
            user, day = tally.sender, tally.day
            if tally.kind == MESSAGE:
                messages[day] += tally.count
            if user in people and day > last.get(user, known[user].day if user in known else -1):
                last[user] = day
                arrivals[day] += 1
        if messages:
            totals["messages"] = messages.total()
        changes: list[Change] = [
            Put(LastActive(user_id=user, day=day)) for user, day in last.items()
        ]
        changes += await self._raised_totals(totals)
        return changes + await self._raised_days(messages, arrivals)

    async def _raised_totals(self, by: Counter[str]) -> list[Change]:
        old = await self._records.get_many(Total, [(name,) for name in by])
        return [
            Put(Total(name=name, count=count + (old[name].count if name in old else 0)))
            for name, count in by.items()
        ]

    async def _raised_days(self, messages: Counter[int], arrivals: Counter[int]) -> list[Change]:
        days = messages.keys() | arrivals.keys()
        old = await self._records.get_many(DayCount, [(day,) for day in days])
        changes: list[Change] = []
        for day in days:
            before = old.get(day) or DayCount(day=day)
            changes.append(
                Put(
                    DayCount(
                        day=day,
                        messages=before.messages + messages[day],
                        active_users=before.active_users + arrivals[day],
                    )
                )
            )
        return changes

    @handles(GetStatistics)
    async def statistics(self, _actor: Actor, _command: GetStatistics) -> Statistics:
        """Answer ``GetStatistics``."""
        today = day_of(self._clock.now_ms())
        days = range(today - DAYS + 1, today + 1)
        counted = await self._records.get_many(DayCount, [(day,) for day in days])
        kinds = {kind.value: f"conversations.{kind}" for kind in Kind}
        wanted = ("messages", "users.deleted", *kinds.values())
        totals = await self._records.get_many(Total, [(name,) for name in wanted])
        counts = {name: totals[name].count if name in totals else 0 for name in wanted}
        active = [await self._records.count(LastActive, day, by="by_day") for day in days]
        return Statistics(
            users=await self._records.count(User) - counts["users.deleted"],
            active_today=active[-1],
            active_7_days=sum(active[-7:]),
            active_30_days=sum(active),
            messages=counts["messages"],
            days=tuple(_day(day, counted.get(day)) for day in days),
            conversations={kind: counts[name] for kind, name in kinds.items()},
            storage_bytes=dict(await self._usage.storage_bytes()),
            connected_devices=self._usage.connected_devices(),
        )


def _day(day: int, count: DayCount | None) -> Day:
    count = count or DayCount(day=day)
    return Day(date_of(day), count.messages, count.active_users)
