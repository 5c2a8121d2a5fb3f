"""The commands that keep a server, as an operator types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hongyan.app.cli.root import app


class Shell:
    """Runs commands on a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, on: Path | None = None) -> Result:
        where = ("--data", str(on or self.folder))
        return CliRunner().invoke(app, [*arguments, *where])

    def acts(self, on: Path | None = None) -> list[dict[str, object]]:
        lines = self.run("audit", "--json", on=on).stdout.splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def shell(folder: Path) -> Shell:
    return Shell(folder)


def test_backup_and_restore(shell: Shell, tmp_path: Path) -> None:
    made = shell.run("backup", str(tmp_path / "copy.tar"))
    assert (made.exit_code, "read back and is whole" in made.stdout) == (0, True), made.output
    assert shell.acts()[0]["method"] == "backup"
    twice = shell.run("backup", str(tmp_path / "copy.tar"))
    assert (twice.exit_code, "exists already" in twice.stderr) == (1, True)
    other = tmp_path / "other"
    listen = '[server]\nlisten = "127.0.0.1:18997"\n'
    back = shell.run("restore", str(tmp_path / "copy.tar"), on=other)
    assert (back.exit_code, "All is well" in back.stdout) == (0, True), back.output
    assert shell.acts(on=other)[0]["method"] == "restore"
    assert len(json.loads(shell.run("user", "list", "--json", on=other).stdout)) == 5
    (other / "hongyan.toml").write_text(listen)
    full = shell.run("restore", str(tmp_path / "copy.tar"), on=other)
    assert (full.exit_code, "is not empty" in full.stderr) == (1, True)
    no_backup = shell.run("restore", str(tmp_path), on=tmp_path / "third")
    assert (no_backup.exit_code, "is no backup of ours" in no_backup.stderr) == (1, True)


def test_statistics(shell: Shell) -> None:
    found = json.loads(shell.run("stats", "--json").stdout)
    assert (found["users"], found["messages"]) == (5, 66)
    assert found["conversations"]["group"] == 5
    assert found["active_30_days"] == 5
    assert sum(day["messages"] for day in found["days"]) == 66
    assert found["storage_bytes"]["database"] > 100_000
    table = shell.run("stats").stdout
    assert "active in 7 days" in table
    assert found["days"][-1]["date"] in table


def test_the_audit_log_is_shown_and_filtered(shell: Shell) -> None:
    assert shell.run("user", "make-admin", "emma").exit_code == 0
    assert [act["method"] for act in shell.acts()][:2] == ["user.set_admin", "demo"]
    only = shell.run("audit", "--method", "user.create", "--limit", "2", "--json").stdout
    assert [json.loads(line)["number"] for line in only.splitlines()] == [5, 4]
    assert "********" in only
    assert "user.set_admin" in shell.run("audit").stdout


def test_exports_are_noted(shell: Shell, tmp_path: Path) -> None:
    mine = shell.run("export", "user", "emma", str(tmp_path / "emma"))
    assert mine.exit_code == 0, mine.output
    assert 'lang="en"' in (tmp_path / "emma" / "index.html").read_text()
    group = next((tmp_path / "emma" / "conversations").glob("g*.jsonl")).stem
    where = str(tmp_path / "one")
    whole = shell.run("export", "conversation", group, where, "--reason", "case 7")
    assert whole.exit_code == 0, whole.output
    acts = shell.acts()[:2]
    assert [act["method"] for act in acts] == ["export.conversation", "export.user"]
    assert acts[0]["params"]["reason"] == "case 7"
    assert shell.run("export", "user", "nobody", str(tmp_path / "x")).exit_code == 1
    assert shell.run("export", "user", "emma", where).exit_code == 1
