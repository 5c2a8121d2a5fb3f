"""What must be true at the end, as a pure function of what was seen."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields

from .checker_files import Download, File, broken_files
from .checker_webhook import Author, Delivery, check_deliveries


@dataclass(frozen=True)
class Item:
    """One entry of a conversation's log, as the server has it at the end."""

    seq: int
    ordinal: int
    author: Author
    countable: bool


@dataclass(frozen=True)
class Ack:
    """The server has said that this message is on disk at this seq."""

    conversation_id: str
    author: Author
    seq: int


@dataclass(frozen=True)
class Unread:
    """What the server says at the end of one user's place in one conversation."""

    user_id: str
    conversation_id: str
    read_seq: int
    unread: int
    acknowledged_read_seq: int
    """The furthest read cursor that the server has acknowledged."""


@dataclass
class Seen:
    """Everything that the checker judges."""

    logs: Mapping[str, Sequence[Item]]
    """By conversation: its whole log at the end, in the order in which the server gave it."""
    acks: Mapping[str, Sequence[Ack]]
    """By device: what was acknowledged, in the order in which the device sent it."""
    queries: Mapping[str, Mapping[str, Mapping[int, Author]]]
    """By device and conversation: what the device holds, by seq."""
    conflicts: Sequence[str] = ()
    """Where a device was given two different things for one seq, or one thing twice by push."""
    unread: Sequence[Unread] = ()
    members: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By conversation: who is in it."""
    files: Sequence[File] = ()
    downloads: Sequence[Download] = ()
    broken: Sequence[str] = ()
    """Where somebody who sent or fetched a file was given what cannot be."""
    deliveries: Sequence[Delivery] | None = None
    """What the webhook's receiver took, as it came; None where there was no receiver."""


@dataclass
class Verdict:
    """What is wrong; each sentence names one case."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    events_missed: list[str] = field(default_factory=list)
    events_doubled: list[str] = field(default_factory=list)
    events_disordered: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.examples()

    def examples(self) -> list[str]:
        """Return a few sentences of each sort."""
        sorts = [getattr(self, one.name) for one in fields(self)]
        return [sentence for sort in sorts for sentence in sort[:5]]


def check(seen: Seen) -> Verdict:
    """Judge what was seen."""
    verdict = Verdict(disordered=list(seen.conflicts), files=list(seen.broken))
    _check_logs(seen, verdict)
    _check_acks(seen, verdict)
    _check_queries(seen, verdict)
    _check_unread(seen, verdict)
    verdict.files += broken_files(seen.files, seen.downloads, seen.members)
    if seen.deliveries is not None:
        told = check_deliveries(seen.deliveries, _messages(seen))
        verdict.events_missed = told.missed
        verdict.events_doubled = told.doubled
        verdict.events_disordered = told.disordered
    return verdict


def _messages(seen: Seen) -> dict[tuple[str, int], Author]:
    """Return what is in the logs, and what was acknowledged even where a log lacks it."""
    acks = [ack for sent in seen.acks.values() for ack in sent]
    acknowledged = {(ack.conversation_id, ack.seq): ack.author for ack in acks}
    return acknowledged | {
        (name, item.seq): item.author
        for name, log in seen.logs.items()
        for item in log
        if item.countable
    }


def _check_logs(seen: Seen, verdict: Verdict) -> None:
    """Seqs have no gap, ordinals count, and no author and client id stand twice."""
    for name, log in seen.logs.items():
        authors = Counter(item.author for item in log if item.author[1])
        for author, times in authors.items():
            if times > 1:
                verdict.duplicated.append(f"{author} stands {times} times in {name}")
        ordinal = 0
        for place, item in enumerate(log, start=1):
            ordinal += item.countable
            if item.seq != place:
                verdict.disordered.append(f"{name}: seq {item.seq} stands at place {place}")
                break
            if item.ordinal != ordinal:
                verdict.disordered.append(f"{name}: ordinal {item.ordinal} at seq {item.seq}")
                break


def _check_acks(seen: Seen, verdict: Verdict) -> None:
    """What was acknowledged is in the log at its seq, in the order of sending."""
    places = {
        name: {item.author: item.seq for item in reversed(log)} for name, log in seen.logs.items()
    }
    for device, acks in seen.acks.items():
        last: dict[str, int] = {}
        for ack in acks:
            place = places.get(ack.conversation_id, {}).get(ack.author)
            if place is None:
                verdict.lost.append(f"{ack.author} of {ack.conversation_id}, seq {ack.seq}")
                continue
            if place != ack.seq:
                verdict.disordered.append(f"{ack} stands at {place}")
            if place <= last.get(ack.conversation_id, 0):
                verdict.disordered.append(f"{device}: {ack} stands before what it sent earlier")
            last[ack.conversation_id] = place


def _check_queries(seen: Seen, verdict: Verdict) -> None:
    """Each device holds each log: all of it, nothing else, in the same places."""
    for device, queries in seen.queries.items():
        for name, view in queries.items():
            log = seen.logs.get(name, ())
            missing = [item.seq for item in log if item.seq not in view]
            if missing:
                verdict.lost.append(f"{device} lacks {len(missing)} of {name}: {missing[:5]}")
            wrong = [i.seq for i in log if view.get(i.seq, i.author) != i.author]
            if wrong:
                verdict.disordered.append(f"{device} has other entries in {name}: {wrong[:5]}")
            known = {item.seq for item in log}
            undone = [seq for seq in view if seq not in known]
            if undone:
                verdict.lost.append(f"{device} was shown what {name} lacks: {undone[:5]}")
            twice = [a for a, n in Counter(a for a in view.values() if a[1]).items() if n > 1]
            if twice:
                verdict.duplicated.append(f"{device} holds {twice[:3]} twice in {name}")


def _check_unread(seen: Seen, verdict: Verdict) -> None:
    """Cursors stand at least where it was acknowledged, and unread counts what is after."""
    for one in seen.unread:
        log = seen.logs[one.conversation_id]
        expected = sum(item.countable for item in log if item.seq > one.read_seq)
        who = f"{one.user_id} in {one.conversation_id}"
        if one.unread != expected:
            verdict.unread.append(f"{who}: {one.unread} unread instead of {expected}")
        if one.read_seq < one.acknowledged_read_seq:
            verdict.unread.append(
                f"{who}: read up to {one.read_seq}, acknowledged {one.acknowledged_read_seq}"
            )
