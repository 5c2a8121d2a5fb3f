"""The runtime: keeps this process's share of all readers and jobs going.

Each of them, and each part of a reader, has a lease of its own. Every process that takes part
knows who else does, and takes those for which it stands first; so they are shared without
anybody to share them out, and when a process comes or goes, only its own share moves.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b

from hongyan.domain.log.model import NOBODY, Committed
from hongyan.domain.log.readers import Reader
from hongyan.kernel.clock import Clock
from hongyan.kernel.tasks import end_tasks

from .ports import TERM_S, Leases, Store
from .reading import ReaderLoop
from .repeating import Repeating
from .works import Works

log = logging.getLogger(__name__)

EVERY_S = 1.0
LOOK_EVERY_S = 5.0
"""Seconds between two questions to families: a message that they changed may be lost."""

Running = ReaderLoop | Repeating


class Runtime:
    """Runs readers and jobs.

    Args:
        me: The name of this process among those that take part.
        leases: Says who runs what.
        store: Where entries, positions and rows are.
        clock: The time of day.
        works: What there is to do.
        term_s: How long a lease lasts without being renewed.
        every_s: How often leases are renewed.
    """

    def __init__(
        self,
        me: str,
        leases: Leases,
        store: Store,
        clock: Clock,
        works: Works,
        term_s: float = TERM_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._me = me
        self._leases = leases
        self._store = store
        self._clock = clock
        self._works = works
        self._term_s = term_s
        self._every_s = every_s
        self._readers: list[Reader] = list(works.readers)
        self._looked_s = float("-inf")
        self._until_s: dict[str, float] = {}
        """By work: how long its lease lasts."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By work: what runs here."""
        self._loops: dict[str, ReaderLoop] = {}
        """Those of them that read; each commit walks them."""
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        works.watch(self)

    @property
    def running(self) -> frozenset[str]:
        """The names of what this process does at present."""
        return frozenset(self._tasks)

    def start(self) -> None:
        """Begin to take a share."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Do no more, and let others go on at once; what was under way is done again."""
        if self._task is not None:
            await end_tasks([self._task])
            self._task = None
        await self._end(list(self._tasks))
        await self._leases.resign(list(self._until_s))
        self._until_s.clear()
        await self._leases.leave()

    def committed(self, event: Committed) -> None:
        """Wake those whom a commit concerns; a commit of other processes may come empty."""
        for loop in self._loops.values():
            loop.wake(event)

    # --- the readers that there are ---

    def changed(self, name: str) -> None:
        """See ``Watcher.changed``."""
        self._looked_s = float("-inf")
        for work, loop in self._loops.items():
            if work.partition("/")[0] == name:
                loop.change()
        self._due.set()

    def missed(self) -> None:
        """See ``Watcher.missed``."""
        self._looked_s = float("-inf")
        for loop in self._loops.values():
            loop.change()
        self._due.set()

    async def _look(self) -> None:
        """Find out which readers there are, if a change was reported or it is time."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._looked_s + LOOK_EVERY_S:
            self._looked_s = now_s
            self._readers = await self._works.all_readers()
            self.committed(Committed((), NOBODY))

    def _makers(self) -> dict[str, Callable[[], Running]]:
        """Return, by work, what makes it run here."""
        makers: dict[str, Callable[[], Running]] = {}
        for job in self._works.jobs:
            ours = partial(self._is_ours, job.name)
            makers[job.name] = partial(Repeating, self._store, job, self._clock, ours)
        for reader in self._readers:
            for part, work in enumerate(reader.works):
                ours = partial(self._is_ours, work)
                makers[work] = partial(ReaderLoop, self._store, reader, part, self._clock, ours)
        return makers

    # --- leases ---

    async def _run(self) -> None:
        while True:
            self._due.clear()
            try:
                await self._go_round()
            except Exception:
                log.exception("the leases of readers could not be renewed")
            try:
                async with asyncio.timeout(self._every_s):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def _go_round(self) -> None:
        """Renew what is ours, take what is free and falls to us, let go of the rest."""
        try:
            await self._look()
        except Exception:  # the store is away; those that run see for themselves
            log.warning("which readers there are cannot be found out now", exc_info=True)
        makers = self._makers()
        try:
            await self._claim(makers)
        except OSError as error:  # what was granted still holds, until its term is over
            log.warning("nobody can tell who runs what: %s", error)
        now_s = asyncio.get_running_loop().time()
        # one more round must fit before the term is over
        held = {w for w, until_s in self._until_s.items() if now_s + 1.5 * self._every_s < until_s}
        await self._end([work for work in self._tasks if work not in held or work not in makers])
        for work in held & makers.keys():
            if work not in self._tasks or self._tasks[work].done():
                self._begin(work, makers[work]())

    async def _claim(self, makers: dict[str, Callable[[], Running]]) -> None:
        members = sorted({*await self._leases.meet(), self._me})
        wanted = {work for work in makers if first_of(members, work) == self._me}
        given_back = [work for work in self._until_s if work not in wanted]
        await self._end(given_back)
        if given_back:
            await self._leases.resign(given_back)
        asked_s = asyncio.get_running_loop().time()
        granted = await self._leases.claim(wanted) if wanted else set()
        self._until_s = dict.fromkeys(granted, asked_s + self._term_s)

    async def _is_ours(self, work: str) -> bool:
        """Ask at once, not at the next round; without an answer, go on until the term is over."""
        try:
            return work in await self._leases.claim([work])
        except OSError:
            return True

    def _begin(self, work: str, running: Running) -> None:
        log.info("%s runs here now", work)
        if isinstance(running, ReaderLoop):
            self._loops[work] = running
        self._tasks[work] = asyncio.get_running_loop().create_task(running.run())
        self._tasks[work].add_done_callback(partial(_log_failure, work))

    async def _end(self, works: Sequence[str]) -> None:
        await end_tasks([self._tasks[work] for work in works if work in self._tasks])
        for work in works:
            self._tasks.pop(work, None)
            self._loops.pop(work, None)


def first_of(members: Sequence[str], work: str) -> str:
    """Return who stands first for a work: the one whose name and the work's hash highest."""
    return max(members, key=lambda me: blake2b(f"{me}\0{work}".encode(), digest_size=8).digest())


def _log_failure(work: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("%s ended; it is begun again", work, exc_info=task.exception())
