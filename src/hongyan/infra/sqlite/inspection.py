"""Integrity checks of a database, for ``hongyan doctor``."""

from collections.abc import Collection, Iterator

import apsw

from hongyan.infra.sql.examples import examples

from .digest import STEP, Progress


def check_file(connection: apsw.Connection, deep: bool) -> Iterator[str]:
    """Yield what SQLite itself finds wrong in the file.

    Args:
        connection: Where the database is open.
        deep: Compare the indexes with the tables too; takes several times as long.
    """
    check = "integrity_check" if deep else "quick_check"
    for (verdict,) in connection.execute(f"PRAGMA {check}(20)"):
        if verdict != "ok":
            yield verdict


def check_logs(
    connection: apsw.Connection, countable: Collection[str], progress: Progress = lambda *_: None
) -> Iterator[str]:
    """Yield where the entries of a log have gaps, or ordinals or heads that are not exact.

    Args:
        connection: In a transaction.
        countable: The kinds of entry that raise the ordinal; all others must not.
        progress: Called with how many entries were looked at.
    """
    (total,) = connection.execute("SELECT count(*) FROM entry").fetchone() or (0,)
    ends: dict[int, tuple[int, int]] = {}
    wrong: dict[str, list[str]] = {}
    entries = connection.execute("SELECT log_key, seq, ordinal, kind FROM entry ORDER BY pos")
    for done, (log_key, seq, ordinal, kind) in enumerate(entries, 1):
        before, counted = ends.get(log_key, (0, 0))
        if seq != before + 1:
            wrong.setdefault("gap", []).append(f"{log_key}/{before}..{seq}")
        if ordinal != counted + (kind in countable):
            wrong.setdefault("ordinal", []).append(f"{log_key}/{seq}")
        ends[log_key] = (seq, ordinal)
        if not done % STEP:
            progress(done, total)
    progress(total, total)
    for log_key, log_id, seq, ordinal in connection.execute(
        "SELECT log_key, log_id, seq, ordinal FROM log"
    ):
        if ends.pop(log_key, (0, 0)) != (seq, ordinal):
            wrong.setdefault("head", []).append(log_id)
    wrong.setdefault("log", []).extend(str(log_key) for log_key in ends)
    yield from _sentences(wrong, _LOG_TROUBLES)


_LOG_TROUBLES = {
    "gap": "seqs do not grow by one (log key/seqs)",
    "ordinal": "ordinals do not count the messages (log key/seq)",
    "head": "the head is not where the entries end, in the logs",
    "log": "there are entries of unknown logs (log key)",
}


def _sentences(wrong: dict[str, list[str]], sentences: dict[str, str]) -> Iterator[str]:
    for name, places in wrong.items():
        if places:
            yield f"{sentences[name]}: {examples(places)}"


_COUNTS: tuple[tuple[str, str], ...] = (
    (
        "entries that the index by seq does not find",
        "SELECT count(*) FROM entry AS e LEFT JOIN entry_place AS p"
        " ON p.log_key = e.log_key AND p.seq = e.seq"
        " WHERE e.pos <= (SELECT pos FROM indexed) AND p.pos IS NOT e.pos",
    ),
    (
        "places in the index by seq that lead to no such entry",
        "SELECT count(*) FROM entry_place AS p LEFT JOIN entry AS e ON e.pos = p.pos"
        " WHERE e.pos IS NULL OR e.log_key <> p.log_key OR e.seq <> p.seq"
        " OR p.pos > (SELECT pos FROM indexed)",
    ),
    (
        "client ids that the index of retries does not find",
        "SELECT count(*) FROM entry AS e LEFT JOIN entry_retry AS r ON r.log_key = e.log_key"
        " AND r.sender = e.sender AND r.client_id = e.client_id"
        " WHERE e.pos <= (SELECT pos FROM indexed) AND e.client_id IS NOT NULL"
        " AND r.pos IS NOT e.pos",
    ),
    (
        "places in the index of retries that lead to no such entry",
        "SELECT count(*) FROM entry_retry AS r LEFT JOIN entry AS e ON e.pos = r.pos"
        " WHERE e.pos IS NULL OR e.log_key <> r.log_key OR e.sender <> r.sender"
        " OR e.client_id IS NOT r.client_id",
    ),
    (
        "cursors that are beyond the end of their log, or of no log",
        "SELECT count(*) FROM cursor AS c LEFT JOIN log AS l ON l.log_key = c.log_key"
        " WHERE l.log_key IS NULL OR c.read_seq > l.seq OR c.delivered_seq > l.seq"
        " OR c.read_ordinal > l.ordinal OR c.read_seq > c.delivered_seq",
    ),
    (
        "readers whose place is beyond the newest entry",
        "SELECT count(*) FROM reader WHERE length(pos) = 8 AND hex(pos)"
        " > printf('%016X', (SELECT coalesce(max(pos), 0) FROM entry))",
    ),
)
_DEEP_COUNTS: tuple[tuple[str, str], ...] = (
    (
        "cursors whose ordinal is not the one of the entry they stand at",
        "SELECT count(*) FROM cursor AS c"
        " JOIN entry_place AS p ON p.log_key = c.log_key AND p.seq = c.read_seq"
        " JOIN entry AS e ON e.pos = p.pos WHERE e.ordinal <> c.read_ordinal",
    ),
)


def check_indexes(connection: apsw.Connection, deep: bool) -> Iterator[str]:
    """Yield where the indexes of entries, the cursors and the readers do not fit the entries."""
    for what, statement in (*_COUNTS, *(_DEEP_COUNTS if deep else ())):
        (count,) = connection.execute(statement).fetchone() or (0,)
        if count:
            yield f"{count} {what}"
