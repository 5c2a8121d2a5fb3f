"""One reader, or one part of it, while this process has the lease: page after page, in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import structs

from hongyan.domain.log.model import (
    Change,
    Commit,
    Committed,
    Drop,
    Precondition,
    Put,
    SaveOffset,
    VersionConflict,
)
from hongyan.domain.log.readers import PassedEntry, Reader, ReaderPage, Source, Unhandled
from hongyan.domain.log.sources import StreamSource
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Busy, StorageFull, Unavailable

from .fencing import new_term
from .passed import note_passed
from .ports import Store

log = logging.getLogger(__name__)

OUTSIDE = (Busy, StorageFull, Unavailable, OSError)
"""No entry is to blame for these: whatever was to be done is done when they are over."""
OUTSIDE_S = 1.0
OUTSIDE_MOST_S = 30.0
CONFLICT_S = 0.05
SAVE_EVERY_S = 30.0
"""Seconds between two saves of the position while nothing is found."""
PAGE_END = ":batch"
"""Behind the reader's name: under this the end of a whole page that was begun is saved."""


class ReaderLoop:
    """Reads on from the saved position and lets the reader handle what comes.

    Args:
        store: Where entries and positions are.
        reader: What is done with them.
        part: Which part of the reader.
        clock: The time of day.
        is_ours: Asks whether this process still has the lease.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader,
        part: int,
        clock: Clock,
        is_ours: Callable[[], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._reader = reader
        self._clock = clock
        self._is_ours = is_ours
        self.work = reader.works[part]
        self._source: Source = reader.source or StreamSource(
            store, reader.kinds, part, reader.parts
        )
        self._singles = 0
        """Items that are given one by one: among them is one that fails."""
        self._is_awake = False
        self._is_changed = False
        self._idle: asyncio.Event | None = None
        """The future that this waits for; None while it is at work."""

    def wake(self, event: Committed) -> None:
        """Wake up, if the commit may be of interest; one without entries always is."""
        if self._is_awake:
            return
        kinds = self._reader.kinds
        if not kinds or not event.entries or any(one.kind in kinds for one in event.entries):
            self._is_awake = True
            if self._idle is not None:
                self._idle.set()

    def change(self) -> None:
        """Begin anew: the reader or its position was changed."""
        self._is_changed = True
        if self._idle is not None:
            self._idle.set()

    async def run(self) -> None:
        """Read until there is nothing to do for the reader, or the lease is another's."""
        failures = 0
        while True:
            self._is_changed = False
            try:
                if not await self._begin():
                    return
                while not self._is_changed:
                    await self._turn()
                    failures = 0
            except (
                VersionConflict
            ):  # somebody changed the reader, or has begun to read in our place
                await self._pause(CONFLICT_S)
                if not await self._is_ours():
                    return
            except OUTSIDE as error:
                log.warning("%s waits: %s", self.work, error or type(error).__name__)
                await self._pause(min(OUTSIDE_S * 2**failures, OUTSIDE_MOST_S))
                failures = min(failures + 1, 10)

    async def catch_up(self) -> int:
        """Read to the end, once; return how many pages there were."""
        pages = 0
        if await self._begin():
            while (await self._step()).is_full:
                pages += 1
            await self._save_position()
        return pages

    # --- inside ---

    async def _begin(self) -> bool:
        self._term: Precondition = await new_term(self._store, self.work)
        if not await self._reader.begin():
            return False
        self._position = self._saved = await self._store.offset(self.work)
        self._saved_s = self._now_s()
        self._page_end = b""
        if self._reader.is_whole:
            self._page_end = await self._store.offset(self.work + PAGE_END)
        await self._try_wanted()
        return True

    async def _turn(self) -> None:
        self._is_awake = False
        began_s = self._now_s()
        page = await self._step()
        if page.is_full or self._is_changed:
            return
        rest_s = self._reader.pace_s - (self._now_s() - began_s)
        if page.items and rest_s > 0:
            await self._pause(rest_s)
        if not self._is_awake:
            await self._wait_to_wake()

    async def _step(self) -> ReaderPage:
        limit = 1 if self._singles else self._reader.batch
        page = await self._source.read(self._position, limit, self._page_end)
        if self._page_end:  # it was not looked behind that
            page = structs.replace(page, is_full=True)
        if page.items:
            return await self._process(page)
        self._position = page.end
        if self._page_end:  # what was begun is not there any more, or not wanted
            await self._commit(SaveOffset(self.work + PAGE_END, b""))
            self._page_end = b""
        if self._now_s() >= self._saved_s + SAVE_EVERY_S:
            await self._save_position()
        return page

    async def _process(self, page: ReaderPage) -> ReaderPage:
        """Give the page until it is handled or given up; a change of the reader breaks it off."""
        if self._reader.is_whole and self._page_end != page.end:
            saved = SaveOffset(self.work, page.after)  # from there on it is the same page again
            await self._commit(saved, SaveOffset(self.work + PAGE_END, page.end))
            self._page_end = page.end
        began_ms, attempt = self._clock.now_ms(), 0
        while not self._is_changed:
            attempt += 1
            try:
                await self._handle(structs.replace(page, attempt=attempt))
                break
            except (*OUTSIDE, VersionConflict):
                raise
            except Exception as error:
                if len(page.items) > 1 and not self._reader.is_whole:
                    self._singles = len(page.items)
                    return structs.replace(page, is_full=True)
                spent_s = (self._clock.now_ms() - began_ms) / 1000
                if await self._failed(page, attempt, spent_s, error):
                    break
        self._singles = max(0, self._singles - len(page.items))
        return structs.replace(page, is_full=True) if self._singles else page

    async def _handle(self, page: ReaderPage) -> None:
        try:
            commit = await self._reader.handle(page)
            await self._commit(*self._passes(page), of=commit)
        except VersionConflict:
            if await self._is_fenced():
                raise
            raise Unhandled("What it read had changed before it was done.") from None
        self._passed(page)

    async def _failed(
        self, page: ReaderPage, attempt: int, spent_s: float, error: Exception
    ) -> bool:
        """Note that an attempt failed; return whether it was the last one, and wait if not."""
        noted = error.changes if isinstance(error, Unhandled) else ()
        if not isinstance(error, Unhandled):
            log.warning("%s failed at attempt %d", self.work, attempt, exc_info=error)
        if not self._reader.retry.is_over(attempt, spent_s):
            if noted:
                await self._commit(*noted)
            await self._pause(self._reader.retry.wait_s(attempt))
            return False
        text = str(error) or type(error).__name__
        if self._reader.give_up is not None:
            noted += await self._reader.give_up(page, attempt, text)
        else:
            row = await note_passed(
                self._store, self.work, page, attempt, text, self._clock.now_ms()
            )
            noted += (Put(row),)
            log.error("%s passed over %s %d: %s", self.work, row.log_id, row.seq, text)
        await self._commit(*noted, *self._passes(page))
        self._passed(page)
        return True

    async def _try_wanted(self) -> None:
        """Try once more what was passed over, as far as somebody wants that."""
        for row in await self._store.scan(PassedEntry, self.work):
            if not row.is_wanted:
                continue
            after, end = bytes.fromhex(row.after), bytes.fromhex(row.end)
            page = await self._source.read(after, 1, end)
            try:
                page = structs.replace(page, attempt=row.tries + 1)
                commit = await self._reader.handle(page) if page.items else Commit()
                await self._commit(Drop(PassedEntry, row.key()), of=commit)
            except (*OUTSIDE, VersionConflict):
                raise
            except Exception as error:
                text = str(error) or type(error).__name__
                again = structs.replace(row, tries=row.tries + 1, error=text, is_wanted=False)
                await self._commit(Put(again))

    def _passes(self, page: ReaderPage) -> tuple[Change, ...]:
        """Return what saves that a page was passed."""
        saved = SaveOffset(self.work, page.end)
        return (saved, SaveOffset(self.work + PAGE_END, b"")) if self._reader.is_whole else (saved,)

    def _passed(self, page: ReaderPage) -> None:
        self._position = self._saved = page.end
        self._saved_s = self._now_s()
        self._page_end = b""

    async def _save_position(self) -> None:
        if self._position != self._saved:
            await self._commit(SaveOffset(self.work, self._position))
            self._saved = self._position
        self._saved_s = self._now_s()

    async def _commit(self, *changes: Change, of: Commit = Commit()) -> None:  # noqa: B008
        """Commit, unless another one has begun to read in our place."""
        if of.appends and of.appends[0].client_id:
            raise ValueError("a repeated client id would leave the position out")
        whole = structs.replace(
            of, changes=(*of.changes, *changes), preconditions=(*of.preconditions, self._term)
        )
        await self._store.commit(whole)

    async def _is_fenced(self) -> bool:
        fence = self._term.log_id
        return (await self._store.states([fence]))[fence].version != self._term.version

    # --- waiting ---

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def _wait_to_wake(self) -> None:
        most_s = SAVE_EVERY_S if self._position != self._saved else None
        await self._wait(most_s, lambda: self._is_awake or self._is_changed)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the reader is changed."""
        end_s = self._now_s() + seconds
        while not self._is_changed and (left_s := end_s - self._now_s()) > 0:
            await self._wait(left_s, lambda: self._is_changed)

    async def _wait(self, most_s: float | None, is_over: Callable[[], bool]) -> None:
        self._idle = asyncio.Event()
        try:
            if not is_over():
                async with asyncio.timeout(most_s):
                    await self._idle.wait()
        except TimeoutError:
            pass
        finally:
            self._idle = None
