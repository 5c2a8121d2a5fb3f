"""A folder of before app passwords: its rows are read as they are, and the new table is made."""

from pathlib import Path
from typing import ClassVar

from msgspec import structs

from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Commit, Put, Row, Table
from hongyan.domain.user.model import AppPassword, Credential, Device, ScramKeys, ScramVerifier
from hongyan.infra.sqlite.store import SqliteStore

KEYS = ScramKeys(b"\x00\xff", b"server")
VERIFIER = ScramVerifier(b"\x80salt", 10_000, KEYS, KEYS)


class OldCredential(Row, frozen=True, kw_only=True):
    TABLE: ClassVar = Table("credential", key=("user_id",))

    user_id: str
    password_hash: str
    changed_at_ms: int = 0


class OldDevice(Row, frozen=True, kw_only=True):
    TABLE: ClassVar = Table("device", key=("device_id",), indexes={"by_user": ("user_id",)})

    device_id: str
    user_id: str


async def test_a_folder_of_before_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "hongyan.db"
    old = SqliteStore(path, [OldCredential, OldDevice])
    await old.start()
    rows = (
        OldCredential(user_id="ann", password_hash="$h"),
        OldDevice(device_id="v1", user_id="ann"),
    )
    await old.commit(Commit(changes=tuple(map(Put, rows))))
    await old.close()
    store = SqliteStore(path, ROWS)
    await store.start()
    credential, device = await store.get(Credential, "ann"), await store.get(Device, "v1")
    assert (credential, device) == (
        Credential(user_id="ann", password_hash="$h"),
        Device(device_id="v1", user_id="ann"),
    )
    assert credential is not None
    made = AppPassword(
        app_password_id="p1", user_id="ann", label="Mail", created_at_ms=1, scram=VERIFIER
    )
    await store.commit(
        Commit(changes=(Put(made), Put(structs.replace(credential, scram=VERIFIER))))
    )
    assert await store.scan(AppPassword, "ann", by="by_user") == [made]
    found = await store.get(Credential, "ann")
    assert found is not None
    assert found.scram == VERIFIER
    await store.close()
