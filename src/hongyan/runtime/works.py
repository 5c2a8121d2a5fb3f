"""All readers and jobs that there are, whichever process runs them."""

from collections.abc import Callable
from typing import Protocol

from hongyan.domain.log.caches import Cache
from hongyan.domain.log.model import Committed, Missed
from hongyan.domain.log.readers import READER_CHANGED, Family, Job, Reader, name_of_changed


class Watcher(Protocol):
    """Learns what becomes of readers."""

    def changed(self, name: str) -> None:
        """Note that a reader was moved or its rows were changed; it may have come or gone."""
        ...

    def missed(self) -> None:
        """Note that any of them may have been."""
        ...


class Works:
    """Readers, jobs and families, as the services declare them.

    Attributes:
        readers: Those that are always there.
        jobs: What is done again and again.
        families: Readers that come and go.
    """

    def __init__(self) -> None:
        self.readers: list[Reader] = []
        self.jobs: list[Job] = []
        self.families: list[Family] = []
        self._watchers: list[Watcher] = []

    def add(self, *works: Reader | Job | Family) -> None:
        """Declare more."""
        for work in works:
            if isinstance(work, Reader):
                self.readers.append(work)
            elif isinstance(work, Job):
                self.jobs.append(work)
            else:
                self.families.append(work)

    async def all_readers(self) -> list[Reader]:
        """Return all readers that there are now."""
        found = [await family.members() for family in self.families]
        return [*self.readers, *(reader for members in found for reader in members)]

    def watch(self, watcher: Watcher) -> None:
        """Let a watcher know of changes."""
        self._watchers.append(watcher)

    @property
    def cache(self) -> Cache:
        """The cache of watchers about readers; take it when all families are there."""
        kinds = tuple(kind for family in self.families for kind in family.kinds)
        return Cache((READER_CHANGED, *kinds), self._committed, self._missed)

    def _committed(self, event: Committed) -> None:
        for entry in event.entries:
            namers: list[Callable[..., str]] = [
                family.name_of for family in self.families if entry.kind in family.kinds
            ]
            if entry.kind == READER_CHANGED:
                namers.append(name_of_changed)
            for name_of in namers:
                for watcher in self._watchers:
                    watcher.changed(name_of(entry))

    def _missed(self, _event: Missed) -> None:
        for watcher in self._watchers:
            watcher.missed()
