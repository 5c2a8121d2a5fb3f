"""Commits that wait for a writer: bounded, and in order where order matters.

Several writers take from it. What touches the same log, or the same row, is never with two
writers at once, and never overtakes: so a log's commits take effect in the order of the calls.
"""

import asyncio
from collections import deque
from typing import Any

from hongyan.domain.log.model import Commit, Entry
from hongyan.kernel.errors import Busy, Unavailable

from .batch import ENTRIES_MAX, is_guarded
from .plan import resources

BATCH_COMMITS = 2_048
LOOK_AT = 4 * BATCH_COMMITS
"""Waiting commits that a writer looks at in search for some that it may take."""


class CommitJob:
    """One commit on its way."""

    __slots__ = ("commit", "deadline", "future", "given_up", "guarded", "touches")

    def __init__(
        self, commit: Commit, future: "asyncio.Future[tuple[Entry, ...]]", deadline: float
    ) -> None:
        self.commit = commit
        self.future = future
        self.deadline = deadline
        self.given_up = False
        self.guarded = is_guarded(commit)
        self.touches = resources(commit)

    def answer(self, answer: tuple[Entry, ...] | Exception) -> None:
        """Answer the caller, unless they went away or were answered."""
        if self.future.done():
            return
        if isinstance(answer, Exception):
            self.future.set_exception(answer)
        else:
            self.future.set_result(answer)


class CommitQueue:
    """The queue of commits.

    Args:
        limit: Commits that may wait or be on their way; one more is refused with ``Busy``.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._waiting: deque[CommitJob] = deque()
        self._busy: set[Any] = set()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._closed = False

    @property
    def count(self) -> int:
        """The number of commits that wait or are on their way."""
        return self._count

    def put(self, job: CommitJob) -> None:
        """Let a commit wait.

        Raises:
            Busy: too many do already.
            Unavailable: this is closed.
        """
        if self._closed:
            raise Unavailable
        if self._count >= self._limit:
            raise Busy
        self._count += 1
        self._waiting.append(job)
        if self._idle and self._busy.isdisjoint(job.touches):
            self._wake(1)

    @property
    def is_closed(self) -> bool:
        """Whether no more are accepted."""
        return self._closed

    async def take(self) -> list[CommitJob]:
        """Return what one writer may do now; empty when this is closed and nothing is left."""
        while True:
            taken = self._ready()
            if taken:
                return taken
            if self._closed and not self._waiting:
                return []
            sleeping = asyncio.get_running_loop().create_future()
            self._idle.append(sleeping)
            await sleeping

    def release(self, jobs: list[CommitJob]) -> None:
        """A writer has done with these."""
        self._count -= len(jobs)
        for job in jobs:
            self._busy -= job.touches
        if self._waiting or self._closed:
            self._wake(len(self._idle))

    def close(self) -> None:
        """Accept no more; what waits is done still."""
        self._closed = True
        self._wake(len(self._idle))

    def expire(self, now: float) -> None:
        """Refuse those that waited until their deadline, and forget them."""
        while self._waiting and self._waiting[0].deadline <= now:
            self._waiting.popleft().answer(Unavailable())
            self._count -= 1

    def _wake(self, writers: int) -> None:
        for _ in range(writers):
            sleeping = self._idle.popleft()
            if not sleeping.done():
                sleeping.set_result(None)

    def _ready(self) -> list[CommitJob]:
        taken: list[CommitJob] = []
        passed: list[CommitJob] = []
        blocked = set(self._busy)
        entries = 0
        while self._waiting and len(taken) < BATCH_COMMITS and len(passed) < LOOK_AT:
            job = self._waiting.popleft()
            more = entries + len(job.commit.appends)
            may_join = not taken or (not job.guarded and more <= ENTRIES_MAX)
            if may_join and blocked.isdisjoint(job.touches):
                taken.append(job)
                entries = more
                if job.guarded:
                    break
            else:
                passed.append(job)
                blocked |= job.touches
        self._waiting.extendleft(reversed(passed))
        for job in taken:
            self._busy |= job.touches
        return taken
