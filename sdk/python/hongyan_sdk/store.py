"""The local store: what the device knows while it is offline, and what it still has to send.

One SQLite file for one account on one device. Calls are quick (tens of microseconds) and
run on the caller's thread. They survive the death of the process; a power failure may take
the last moment, which the server then sends again.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any, TypeVar

import msgspec

from .errors import StoreInUse
from .models import Account, Conversation, Entry, OutboxItem

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS conversation (
    conversation_id TEXT PRIMARY KEY, data TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
    log_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (log_id, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_reaction ON entry (log_id, json_extract(data, '$.body.seq'))
    WHERE kind = 'message.reacted';
CREATE TABLE IF NOT EXISTS outdated (
    log_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (log_id, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    place INTEGER PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, conversation_id TEXT NOT NULL,
    failed INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_next ON outbox (conversation_id, failed, place);
"""

T = TypeVar("T")


class Store:
    """A store in a SQLite file.

    Args:
        path: The file; it is made if it is not there.

    Raises:
        StoreInUse: another process has it open.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise StoreInUse(f"cannot open {path}: {error}") from error
        self._depth = 0

    def close(self) -> None:
        """Close the file; the store cannot be used any more."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen together or not at all; may be nested."""
        if self._depth == 0:
            self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._db.execute("COMMIT")

    # --- the account and other single values ---

    def account(self) -> Account | None:
        """Return whose store this is; None for a fresh one."""
        return self._value("account", Account)

    def put_account(self, account: Account) -> None:
        """Remember the account and its tokens."""
        self._put_value("account", account)

    def user_tip(self) -> int | None:
        """Return how far the user's own log was applied; None before the first sync."""
        return self._value("user_tip", int)

    def put_user_tip(self, seq: int) -> None:
        """Remember how far the user's own log was applied."""
        self._put_value("user_tip", seq)

    def generation(self) -> str:
        """Return which generation of the server's logs is known here; empty for none yet."""
        return self._value("generation", str) or ""

    def adopt(self, generation: str) -> int | None:
        """Be a store of this generation; an empty one changes nothing.

        Returns:
            None, or where all that came from another generation's logs was forgotten, when the
            newest of it was sent. The account and the outbox stay.
        """
        known = self.generation()
        if not generation or generation == known:
            return None
        newest_ms = max((one.active_at_ms for one in self.conversations()), default=0)
        with self.transaction():
            self._put_value("generation", generation)
            if not known:
                return None
            for table in ("conversation", "entry", "outdated"):
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("DELETE FROM fact WHERE name = 'user_tip'")
        return newest_ms

    # --- conversations ---

    def conversations(self) -> list[Conversation]:
        """Return all conversations, in no order."""
        rows = self._db.execute("SELECT data FROM conversation")
        return [msgspec.json.decode(data, type=Conversation) for (data,) in rows]

    def conversation(self, conversation_id: str) -> Conversation | None:
        """Return the conversation, or None when it is not known here."""
        sql = "SELECT data FROM conversation WHERE conversation_id = ?"
        return self._one(sql, (conversation_id,), Conversation)

    def put_conversation(self, conversation: Conversation) -> None:
        """Insert or replace the conversation."""
        self._db.execute(
            "INSERT OR REPLACE INTO conversation VALUES (?, ?)",
            (conversation.conversation_id, _json(conversation)),
        )

    def tips(self) -> dict[str, int]:
        """Return how far each conversation in which the user is active was applied."""
        rows = self._db.execute(
            "SELECT conversation_id, json_extract(data, '$.tip') FROM conversation"
            " WHERE json_extract(data, '$.active')"
        )
        return dict(rows.fetchall())

    # --- entries ---

    def entry(self, log_id: str, seq: int) -> Entry | None:
        """Return one entry."""
        sql = "SELECT data FROM entry WHERE log_id = ? AND seq = ?"
        return self._one(sql, (log_id, seq), Entry)

    def entries(
        self,
        log_id: str,
        first: int,
        last: int,
        limit: int,
        newest: bool = False,
        kinds: Sequence[str] = (),
    ) -> list[Entry]:
        """Return at most ``limit`` entries with ``first <= seq <= last``, ascending by seq.

        ``newest`` says that the limit counts from the end.
        """
        marks = ",".join("?" * len(kinds))
        chosen = f"AND kind IN ({marks})" if kinds else ""
        rows = self._db.execute(
            f"SELECT data FROM entry WHERE log_id = ? AND seq BETWEEN ? AND ? {chosen}"
            f" ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?",
            (log_id, first, last, *kinds, limit),
        ).fetchall()
        found = [msgspec.json.decode(data, type=Entry) for (data,) in rows]
        return found[::-1] if newest else found

    def put_entries(self, entries: Iterable[Entry]) -> None:
        """Insert or replace entries."""
        self._db.executemany(
            "INSERT OR REPLACE INTO entry (log_id, seq, kind, data) VALUES (?, ?, ?, ?)",
            [(entry.log_id, entry.seq, entry.kind, _json(entry)) for entry in entries],
        )

    def drop_entries(self, log_id: str, first: int, last: int) -> None:
        """Forget the entries with ``first <= seq <= last``."""
        self._db.execute(
            "DELETE FROM entry WHERE log_id = ? AND seq BETWEEN ? AND ?", (log_id, first, last)
        )

    def reactions(self, log_id: str, first: int, last: int) -> list[Entry]:
        """Return, in order, the entries of reactions to messages in this range."""
        rows = self._db.execute(
            "SELECT data FROM entry WHERE log_id = ? AND kind = 'message.reacted'"
            " AND json_extract(data, '$.body.seq') BETWEEN ? AND ? ORDER BY seq",
            (log_id, first, last),
        )
        return [msgspec.json.decode(data, type=Entry) for (data,) in rows]

    def put_outdated(self, log_id: str, seq: int) -> None:
        """Remember that a message was edited, and that its new content is not here."""
        self._db.execute("INSERT OR IGNORE INTO outdated VALUES (?, ?)", (log_id, seq))

    def outdated(self) -> list[tuple[str, int]]:
        """Return the messages (at most 100) whose new content is not here."""
        return self._db.execute("SELECT log_id, seq FROM outdated LIMIT 100").fetchall()

    def drop_outdated(self, log_id: str, seq: int) -> None:
        """Forget that the message lacks something."""
        self._db.execute("DELETE FROM outdated WHERE log_id = ? AND seq = ?", (log_id, seq))

    # --- the outbox ---

    def outbox(self, conversation_id: str = "") -> list[OutboxItem]:
        """Return what is to be sent, failed ones too, oldest first; of one conversation or all."""
        rows = self._db.execute(
            "SELECT data FROM outbox WHERE ? IN ('', conversation_id) ORDER BY place",
            (conversation_id,),
        )
        return [msgspec.json.decode(data, type=OutboxItem) for (data,) in rows]

    def next_item(self, conversation_id: str) -> OutboxItem | None:
        """Return the oldest item of this conversation that has not failed."""
        sql = "SELECT data FROM outbox WHERE conversation_id = ? AND NOT failed ORDER BY place"
        return self._one(sql + " LIMIT 1", (conversation_id,), OutboxItem)

    def item(self, client_id: str) -> OutboxItem | None:
        """Return the item with this client id."""
        return self._one("SELECT data FROM outbox WHERE client_id = ?", (client_id,), OutboxItem)

    def put_item(self, item: OutboxItem) -> None:
        """Append an item, or replace it where it stands."""
        self._db.execute(
            "INSERT INTO outbox (client_id, conversation_id, failed, data) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET failed = excluded.failed, data = excluded.data",
            (item.client_id, item.conversation_id, bool(item.error_code), _json(item)),
        )

    def drop_item(self, client_id: str) -> bool:
        """Forget an item; return whether it was there."""
        return self._db.execute("DELETE FROM outbox WHERE client_id = ?", (client_id,)).rowcount > 0

    # --- inside ---

    def _one(self, sql: str, values: tuple[Any, ...], kind: type[T]) -> T | None:
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=kind)

    def _value(self, name: str, kind: type[T]) -> T | None:
        return self._one("SELECT data FROM fact WHERE name = ?", (name,), kind)

    def _put_value(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, _json(value)))


class MemoryStore(Store):
    """A store that lives as long as the process."""

    def __init__(self) -> None:
        super().__init__(":memory:")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
