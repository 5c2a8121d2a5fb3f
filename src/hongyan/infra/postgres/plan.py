"""The plan of a batch of commits, decided in memory: no database here.

The heads of the logs are given; each commit is judged in its turn as if those before it were
done already.
"""

from collections.abc import Mapping
from typing import Any

from hongyan.domain.log.model import (
    Advance,
    Append,
    Bump,
    Change,
    Commit,
    Drop,
    Entry,
    Put,
    Rewrite,
    SaveOffset,
    VersionConflict,
)
from hongyan.infra.sql.entries import LogHead, RetryKey, retry_key, rewritten
from hongyan.kernel.ids import LogId


class BatchPlan:
    """Takes commits and holds what is to be written for them.

    Args:
        heads: The head of each log that a commit names, but for those it only moves cursors
            in or rewrites.
        known: Entries that the database has under the client ids of these commits.
    """

    def __init__(self, heads: Mapping[str, LogHead], known: Mapping[RetryKey, Entry]) -> None:
        self.heads = heads
        self.entries: list[Entry] = []
        self.wrote: dict[tuple[str, str], list[int]] = {}
        """(log, user) -> seq, ordinal, time of the newest countable entry."""
        self.advances: dict[tuple[str, str], list[int]] = {}
        """(log, user) -> read seq, delivered seq."""
        self.rewrites: dict[tuple[str, int], bytes] = {}
        self.rows: list[Put | Drop] = []
        self.offsets: dict[str, bytes] = {}
        self._known = dict(known)

    def add(self, commit: Commit) -> tuple[tuple[Entry, ...], bool]:
        """Plan one commit; return its entries and whether it was a repeat.

        Raises:
            VersionConflict: a ``Precondition`` does not hold; nothing is planned.
            ValueError: another append than the first has a client id.
        """
        key = retry_key(commit)
        repeat = self._known.get(key) if key is not None else None
        if repeat is not None:
            return (rewritten(repeat, self.rewrites),), True
        for precondition in commit.preconditions:
            if self.heads[precondition.log_id].version != precondition.version:
                raise VersionConflict
        entries = tuple([self._append(append) for append in commit.appends])
        for change in commit.changes:
            self._change(change, entries)
        return entries, False

    def _append(self, append: Append) -> Entry:
        head = self.heads[append.log_id]
        entry = head.append(append)
        if append.countable:
            self._wrote(append, head)
        if append.client_id:
            self._known[(append.log_id, append.sender, append.client_id)] = entry
        self.entries.append(entry)
        return entry

    def _wrote(self, append: Append, head: LogHead) -> None:
        key = (append.log_id, append.sender)
        before = self.wrote.get(key)
        sent_at_ms = max(append.sent_at_ms, before[2]) if before else append.sent_at_ms
        self.wrote[key] = [head.seq, head.ordinal, sent_at_ms]

    def _change(self, change: Change, entries: tuple[Entry, ...]) -> None:
        if isinstance(change, Put):
            self.rows.append(Put(change.resolved(entries)))
        elif isinstance(change, Drop):
            self.rows.append(change)
        elif isinstance(change, Advance):
            self._advance(change)
        elif isinstance(change, Bump):
            self.heads[change.log_id].version += 1
        elif isinstance(change, SaveOffset):
            self.offsets[change.reader] = change.position
        else:
            self._rewrite(change)

    def _advance(self, change: Advance) -> None:
        read, delivered = change.read_seq, change.delivered_seq
        head = self.heads.get(change.log_id)
        if head is not None:  # later commits of this batch must not let it come further
            read, delivered = min(read, head.seq), min(delivered, head.seq)
        before = self.advances.setdefault((change.log_id, change.user_id), [0, 0])
        before[:] = max(before[0], read), max(before[1], delivered)

    def _rewrite(self, change: Rewrite) -> None:
        head = self.heads.get(change.log_id)
        if head is None or change.seq <= head.seq:
            self.rewrites[(change.log_id, change.seq)] = change.body


def raises(commits: list[Commit]) -> dict[LogId, list[int]]:
    """Return by how much each log's seq, ordinal and version grow when all commits are new."""
    deltas: dict[LogId, list[int]] = {}
    for commit in commits:
        for append in commit.appends:
            delta = deltas.setdefault(append.log_id, [0, 0, 0])
            delta[0] += 1
            delta[1] += append.countable
            delta[2] += append.changes_rules
        for precondition in commit.preconditions:
            deltas.setdefault(precondition.log_id, [0, 0, 0])
        for change in commit.changes:
            if isinstance(change, Bump):
                deltas.setdefault(change.log_id, [0, 0, 0])[2] += 1
    return deltas


def resources(commit: Commit) -> frozenset[Any]:
    """Return what a commit touches: two commits that share any of it keep their order."""
    found: set[Any] = {append.log_id for append in commit.appends}
    found.update(precondition.log_id for precondition in commit.preconditions)
    for change in commit.changes:
        if isinstance(change, Put):
            found.add((change.row.TABLE.name, *change.row.key()))
        elif isinstance(change, Drop):
            found.add((change.row.TABLE.name, *change.key))
        elif isinstance(change, SaveOffset):
            found.add((None, change.reader))
        else:
            found.add(change.log_id)
    return frozenset(found)
