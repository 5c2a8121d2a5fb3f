"""The registered caches of this process, which learn here what was committed."""

import logging
from itertools import chain

from hongyan.domain.log.caches import Cache
from hongyan.domain.log.model import Committed, Entry, Missed
from hongyan.kernel.bus import EventSubscriber

log = logging.getLogger(__name__)


class Caches:
    """Hands caches the commits whose kinds concern them, and the others nothing.

    Most commits are messages, and most caches wait for something rare: those cost nothing.

    Args:
        bus: Publishes what was committed, and what was missed.
    """

    def __init__(self, bus: EventSubscriber) -> None:
        self._all: list[Cache] = []
        self._by_kind: dict[str, list[Cache]] = {}
        bus.subscribe(Committed, self._committed)
        bus.subscribe(Missed, self._missed)

    def add(self, cache: Cache) -> None:
        """Register a cache."""
        self._all.append(cache)
        for kind in cache.kinds:
            self._by_kind.setdefault(kind, []).append(cache)

    @property
    def all(self) -> tuple[Cache, ...]:
        """All that are registered."""
        return tuple(self._all)

    def matter(self, entry: Entry) -> bool:
        """Return whether caches of other processes want this entry."""
        return any(cache.matters(entry) for cache in self._by_kind.get(entry.kind, ()))

    def _committed(self, event: Committed) -> None:
        entries = event.entries
        if len(entries) == 1:
            concerned = self._by_kind.get(entries[0].kind, [])
        else:
            found = chain.from_iterable(self._by_kind.get(one.kind, ()) for one in entries)
            concerned = list({id(cache): cache for cache in found}.values())
        for cache in concerned:
            try:
                cache.committed(event)
            except Exception:
                log.exception("a cache failed on a commit of %d entries", len(entries))

    def _missed(self, event: Missed) -> None:
        for cache in self._all:
            try:
                cache.missed(event)
            except Exception:
                log.exception("a cache failed to forget")
