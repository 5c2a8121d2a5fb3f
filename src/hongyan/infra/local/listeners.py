"""Those in this process who hear what was committed, by what they wait for."""

import logging
from collections.abc import Callable
from itertools import chain

from hongyan.domain.log.model import Committed

log = logging.getLogger(__name__)

Listener = Callable[[Committed], None]


class Listeners:
    """Tells of commits to those whom the kinds of their entries concern, and to nobody else.

    Most commits are messages, and most listeners wait for something rare: those cost nothing.
    """

    def __init__(self) -> None:
        self._of_all: list[Listener] = []
        self._by_kind: dict[str, list[Listener]] = {}

    def add(self, listener: Listener, *kinds: str) -> None:
        """Call the listener once for each commit with an entry of these kinds.

        Without kinds it hears of every commit.
        """
        if not kinds:
            self._of_all.append(listener)
            for listeners in self._by_kind.values():
                listeners.append(listener)
        for kind in kinds:
            self._by_kind.setdefault(kind, list(self._of_all)).append(listener)

    def committed(self, event: Committed) -> None:
        """Tell them; one that fails is logged and the others go on. Subscribe it to the event."""
        entries = event.entries
        if len(entries) == 1:
            concerned = self._by_kind.get(entries[0].kind, self._of_all)
        else:
            groups = (self._by_kind.get(entry.kind, self._of_all) for entry in entries)
            concerned = list(dict.fromkeys(chain.from_iterable(groups)))
        for listener in concerned:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on a commit of %d entries", len(entries))
