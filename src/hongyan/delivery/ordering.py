"""The entries of a log in their order, whoever published them.

Two backends may commit to one log, and their events come by different ways. An entry that is
ahead of those before it waits for them a moment; one that came before is left out. So
peers see gaps where something was really lost, and ask then only.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from hongyan.domain.log.model import Committed
from hongyan.kernel.ids import LogId

LOGS_KEPT = 50_000
HELD_MAX = 1_000
"""Entries of one log that wait; one more lets all of them go."""
MISSING_MAX = 1_000
WAIT_S = 0.05


class _Log:
    __slots__ = ("held", "last", "missing", "waits")

    def __init__(self, last: int) -> None:
        self.last = last
        self.held: dict[int, Committed] = {}
        self.missing: set[int] = set()
        """Seqs that were given up; one that comes after all is handed on."""
        self.waits = False


class Ordering:
    """Stands before the hub of a node whose events come from several backends.

    Args:
        deliver: Takes what is in order (``Hub.committed``).
        later: Calls a function after so many seconds (``loop.call_later``).
        wait_s: How long an entry may wait for those before it.

    Attributes:
        repeated: How many entries were left out because they had come before.
        given_up: How many seqs were not waited for any longer.
    """

    def __init__(
        self,
        deliver: Callable[[Committed], None],
        later: Callable[[float, Callable[[], None]], Any],
        wait_s: float = WAIT_S,
    ) -> None:
        self._deliver = deliver
        self._later = later
        self._wait_s = wait_s
        self._logs: OrderedDict[LogId, _Log] = OrderedDict()
        self.repeated = 0
        self.given_up = 0

    def committed(self, event: Committed) -> None:
        """Take an event that was published."""
        for one in event.split():
            (entry,) = one.entries
            log = self._logs.get(entry.log_id)
            if log is None:
                self._logs[entry.log_id] = _Log(entry.seq)
                self._drop_oldest()
                self._deliver(one)
                continue
            self._logs.move_to_end(entry.log_id)
            if entry.seq == log.last + 1:
                log.last = entry.seq
                self._deliver(one)
                if log.held:
                    self._release(log)
            elif entry.seq > log.last:
                self._hold(log, entry.seq, one)
            elif entry.seq in log.missing:
                log.missing.discard(entry.seq)
                self._deliver(one)
            else:
                self.repeated += 1

    def _hold(self, log: _Log, seq: int, one: Committed) -> None:
        log.held.setdefault(seq, one)
        if len(log.held) > HELD_MAX:
            self._give_up(log)
        elif not log.waits:
            log.waits = True
            first = log.last
            self._later(self._wait_s, lambda: self._waited(log, first))

    def _waited(self, log: _Log, first: int) -> None:
        log.waits = False
        if not log.held:
            return
        if log.last == first:
            self._give_up(log)
        else:  # it went on meanwhile: what waits now began to wait later
            log.waits = True
            last = log.last
            self._later(self._wait_s, lambda: self._waited(log, last))

    def _give_up(self, log: _Log) -> None:
        """Hand on what waits although something before it is missing."""
        for seq in sorted(log.held):
            gap = range(log.last + 1, seq)
            self.given_up += len(gap)
            log.missing.update(gap[-MISSING_MAX:])
            log.last = seq
            self._deliver(log.held.pop(seq))
        while len(log.missing) > MISSING_MAX:
            log.missing.discard(min(log.missing))

    def _release(self, log: _Log) -> None:
        while (found := log.held.pop(log.last + 1, None)) is not None:
            log.last += 1
            self._deliver(found)

    def _drop_oldest(self) -> None:
        while len(self._logs) > LOGS_KEPT:
            self._logs.popitem(last=False)
