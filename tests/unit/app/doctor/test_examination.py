"""The doctor finds what is broken, and says what to do."""

import json
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner

from hongyan.app.cli.root import app
from hongyan.app.doctor.database import examine_database
from hongyan.app.doctor.diagnostics import Diagnostic
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.infra.local.folder import FolderLock


async def problems(folder: Path, deep: bool = False) -> dict[str, str]:
    """Return the sentences about what is wrong, by check."""
    diagnostics = await examine_database(folder, deep, ProgressBars())
    found: dict[str, str] = {}
    for one in diagnostics:
        if one.level in ("warning", "problem"):
            assert one.remedy, one
            found[one.check] = found.get(one.check, "") + one.text + "\n"
    return found


def alter(folder: Path, *statements: str) -> None:
    connection = apsw.Connection(str(folder / DATABASE))
    for statement in statements:
        connection.execute(statement)
    connection.close()


async def test_a_healthy_database_has_no_problem(folder: Path) -> None:
    assert await problems(folder) == {}
    assert await problems(folder, deep=True) == {}


LATEST = "(SELECT max(pos) FROM entry)"


@pytest.mark.parametrize(
    ("statement", "check", "words"),
    [
        ("DELETE FROM entry WHERE seq = 2 AND log_key IN (SELECT log_key FROM log WHERE seq > 3)",
         "logs", "do not grow by one"),
        ("UPDATE entry SET ordinal = ordinal + 1 WHERE pos = 30", "logs", "ordinals do not count"),
        ("UPDATE log SET seq = seq + 1 WHERE log_key = 3", "logs", "the head is not where"),
        ("DELETE FROM log WHERE log_key = 3", "logs", "unknown logs"),
        ("UPDATE cursor SET read_seq = 9999, delivered_seq = 9999", "logs", "beyond the end"),
        ("UPDATE reader SET pos = x'00000000000F423F'", "logs", "beyond the newest entry"),
        ("UPDATE entry SET sent_at_ms = 9e12 WHERE pos = " + LATEST, "clock", "ahead of the clock"),
        ("UPDATE audit SET data = replace(data, 'done', 'lost')", "audit", "is not what was"),
        ("DELETE FROM audit WHERE number = 2", "audit", "Record 2 of the audit log is missing"),
        ("DELETE FROM audit WHERE number >= 5", "audit", "ends at 4; 6 acts were noted"),
        ("UPDATE member SET active = 0", "groups", "the member count of"),
        ("DELETE FROM roll", "groups", "the member count of"),
        ("DELETE FROM member WHERE conversation_id LIKE 'd%' AND user_id = "
         "(SELECT max(user_id) FROM member)", "groups", "has not two members"),
    ],
)  # fmt: skip
async def test_what_is_broken_is_told(folder: Path, statement: str, check: str, words: str) -> None:
    alter(folder, statement)
    assert words in (await problems(folder)).get(check, "")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM entry_place WHERE pos = 30", "the index by seq does not find"),
        ("UPDATE entry_place SET seq = 77777 WHERE pos = 30", "lead to no such entry"),
        ("DELETE FROM entry_retry", "client ids that the index"),
        ("UPDATE entry_retry SET client_id = 'x' || client_id", "retries that lead to no"),
    ],
)
async def test_broken_indexes_are_told(folder: Path, statement: str, words: str) -> None:
    alter(
        folder,
        "INSERT OR IGNORE INTO entry_place SELECT log_key, seq, pos FROM entry",
        "INSERT OR IGNORE INTO entry_retry SELECT log_key, sender, client_id, pos FROM entry"
        " WHERE client_id IS NOT NULL",
        "UPDATE indexed SET pos = (SELECT max(pos) FROM entry)",
    )
    assert await problems(folder, deep=True) == {}
    alter(folder, statement)
    assert words in (await problems(folder))["logs"]


async def test_deep_reads_every_row(folder: Path) -> None:
    alter(folder, """UPDATE "user" SET data = '{"user_id": 5}'""")
    assert "rows" not in await problems(folder)
    assert "a row of user cannot be read" in (await problems(folder, deep=True))["rows"]


async def test_what_is_no_database_is_told(folder: Path) -> None:
    for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / DATABASE).write_bytes(b"nothing" * 1000)
    assert "cannot be" in (await problems(folder))["database"]


async def test_lost_and_altered_files_are_told(folder: Path) -> None:
    content = b"a picture, nearly"
    sha256 = "40f2f1d43a5ca8a9a2a5d2a9f7f0d2bd2c3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b"
    row = json.dumps(
        {"media_id": "m1", "owner_id": "u", "sha256": sha256, "size_bytes": len(content),
         "mime": "image/png", "name": "a.png"}
    )  # fmt: skip
    alter(
        folder,
        "INSERT INTO media (media_id, owner_id, created_at_ms, sha256, state, data)"
        f" VALUES ('m1', 'u', 0, '{sha256}', 'ready', '{row}')",
    )
    path = folder / "files" / "objects" / sha256[:2] / sha256
    assert "is not there" in (await problems(folder))["files"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content[1:])
    assert "bytes instead of" in (await problems(folder))["files"]
    path.write_bytes(content)
    assert "files" not in await problems(folder)
    assert "other bytes than were sent" in (await problems(folder, deep=True))["files"]


# --- the command ---


@pytest.fixture
def doctor(folder: Path) -> Callable[..., tuple[int, dict[str, Diagnostic]]]:
    def run(*arguments: str) -> tuple[int, dict[str, Diagnostic]]:
        listen = ("--set", "server.listen=127.0.0.1:18999")
        where = ("--data", str(folder), "--json")
        ran = CliRunner().invoke(app, ["doctor", *where, *listen, *arguments])
        found = [Diagnostic(**one) for one in json.loads(ran.stdout)]
        worst = sorted(
            found, key=lambda one: ("fine", "note", "warning", "problem").index(one.level)
        )
        return ran.exit_code, {one.check: one for one in worst}

    return run


Doctor = Callable[..., tuple[int, dict[str, Diagnostic]]]


def test_a_healthy_installation(doctor: Doctor) -> None:
    code, found = doctor("--deep")
    assert code == 0
    assert {one.check for one in found.values() if one.level == "problem"} == set()
    assert found["server"].text.endswith("is free.")
    assert found["mail"].level == "note"
    for check in ("versions", "settings", "folder", "secrets", "database", "audit", "rows"):
        assert found[check].level == "fine", found[check]


def test_open_modes_are_problems(doctor: Doctor, folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "secrets.toml").chmod(0o644)
    code, found = doctor()
    assert code == 1
    assert found["folder"].remedy == f"Run: chmod 700 {folder}"
    assert "chmod 600" in found["secrets"].text


def test_lost_secrets_and_unknown_settings(doctor: Doctor, folder: Path) -> None:
    (folder / "secrets.toml").unlink()
    code, found = doctor()
    assert (code, found["secrets"].level) == (1, "problem")
    assert not (folder / "secrets.toml").exists(), "it changes nothing"
    (folder / "hongyan.toml").write_text("[users]\ncolour = 1\n")
    code, found = doctor()
    assert (code, list(found)) == (1, ["settings"])
    assert "users.colour" in found["settings"].text


def test_a_server_that_does_not_answer(doctor: Doctor, folder: Path) -> None:
    with FolderLock(folder):
        code, found = doctor()
    assert (code, found["server"].level) == (1, "problem")
    assert "answers nowhere" in found["server"].text


def test_mail_that_cannot_be_sent(doctor: Doctor) -> None:
    code, found = doctor("--set", "smtp.host=127.0.0.1", "--set", "smtp.port=1")
    assert (code, found["mail"].level) == (1, "problem")


def test_open_access_is_a_warning(doctor: Doctor) -> None:
    code, found = doctor("--set", "server.listen=0.0.0.0:18998")
    assert (code, found["settings"].level) == (0, "warning")


def test_for_people(folder: Path) -> None:
    ran = CliRunner().invoke(app, ["doctor", "--data", str(folder / "nothing")])
    assert (ran.exit_code, "All is well." in ran.stdout) == (0, True), ran.output
