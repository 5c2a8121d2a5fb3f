import sqlite3
from pathlib import Path

import pytest

from hongyan_sdk import MemoryStore, Store, StoreInUse
from hongyan_sdk.models import Conversation, Entry, OutboxItem


def entry(seq: int, kind: str = "message", **body: object) -> Entry:
    return Entry("c", seq, seq, kind, "bob", "", 0, dict(body))


def item(client_id: str, conversation_id: str = "c", error: str = "") -> OutboxItem:
    return OutboxItem(
        client_id=client_id,
        conversation_id=conversation_id,
        params={"content": {"type": "text", "text": client_id}},
        created_at_ms=1,
        error_code=error,
    )


def test_entries_by_range_kind_and_end() -> None:
    store = MemoryStore()
    store.put_entries([entry(seq) for seq in (1, 2, 4)] + [entry(3, "members.joined")])
    assert [e.seq for e in store.entries("c", 1, 9, 2)] == [1, 2]
    assert [e.seq for e in store.entries("c", 1, 9, 2, newest=True, kinds=("message",))] == [2, 4]
    store.drop_entries("c", 0, 2)
    assert [e.seq for e in store.entries("c", 0, 9, 9)] == [3, 4]


def test_outbox_keeps_order_and_passes_over_failures() -> None:
    store = MemoryStore()
    for client_id in ("b", "a", "c"):
        store.put_item(item(client_id))
    store.put_item(item("b", error="muted"))
    head = store.next_item("c")
    assert head is not None
    assert head.client_id == "a"
    assert [i.client_id for i in store.outbox()] == ["b", "a", "c"]
    assert store.drop_item("a")
    assert not store.drop_item("a")


def test_a_transaction_is_all_or_nothing() -> None:
    store = MemoryStore()

    def fail() -> None:
        with store.transaction():
            store.put_entries([entry(1)])
            with store.transaction():
                store.put_conversation(Conversation(conversation_id="c"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.entries("c", 0, 9, 9) == []
    assert store.conversation("c") is None


def test_a_file_keeps_everything_and_has_one_owner(tmp_path: Path) -> None:
    store = Store(tmp_path / "me.db")
    store.put_item(item("a"))
    store.put_user_tip(7)
    with pytest.raises(StoreInUse):
        Store(tmp_path / "me.db")
    store.close()
    again = Store(tmp_path / "me.db")
    assert [i.client_id for i in again.outbox()] == ["a"]
    assert again.user_tip() == 7
    again.close()


def test_not_a_store(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises((StoreInUse, sqlite3.DatabaseError)):
        Store(tmp_path / "x.db")
