"""Effects of commits on logs and entries, the same on each database."""

from collections.abc import Mapping

from msgspec import Raw, structs

from hongyan.domain.log.model import Append, Commit, Entry
from hongyan.kernel.ids import ClientId, LogId, UserId

RetryKey = tuple[str, str, str]
"""Log, sender and client id: by what a commit is known when it comes again."""


class LogHead:
    """A log's head while its log is being written to; ``key`` names the log where one does."""

    __slots__ = ("key", "log_id", "ordinal", "seq", "version")

    def __init__(self, log_id: str, seq: int, ordinal: int, version: int, key: int = 0) -> None:
        self.log_id = log_id
        self.seq = seq
        self.ordinal = ordinal
        self.version = version
        self.key = key

    def append(self, append: Append) -> Entry:
        """Let the head grow by an append, and return its entry."""
        self.seq += 1
        if append.countable:
            self.ordinal += 1
        if append.changes_rules:
            self.version += 1
        return Entry(
            append.log_id,
            self.seq,
            self.ordinal,
            append.kind,
            append.sender,
            append.client_id,
            append.sent_at_ms,
            Raw(append.body),
        )


def retry_key(commit: Commit) -> RetryKey | None:
    """Return by what a commit is known when it comes again; None for nothing.

    Raises:
        ValueError: another append than the first has a client id.
    """
    appends = commit.appends
    if len(appends) > 1 and any(append.client_id for append in appends[1:]):
        raise ValueError("only the first append of a commit may have a client id")
    if not appends or not appends[0].client_id:
        return None
    first = appends[0]
    return first.log_id, first.sender, first.client_id


def rewritten(entry: Entry, bodies: Mapping[tuple[str, int], bytes]) -> Entry:
    """Return the entry with the body that the running transaction gave it, if it did."""
    body = bodies.get((entry.log_id, entry.seq))
    return entry if body is None else structs.replace(entry, body=Raw(body))


def read_entry(
    log_id: LogId,
    seq: int,
    ordinal: int,
    kind: str,
    sender: UserId,
    client_id: str | None,
    sent_at_ms: int,
    body: bytes,
) -> Entry:
    """Return the entry of a row's columns."""
    return Entry(
        log_id, seq, ordinal, kind, sender, ClientId(client_id or ""), sent_at_ms, Raw(body)
    )
