"""The command line on a data folder that no server works on."""

import json
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from hongyan.app.cli.root import app
from hongyan.infra.local.folder import FolderLock

GOOD = "plum blossom 7\n"


class Shell:
    """Runs commands on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, [*arguments, "--data", str(self.folder)], input=stdin)

    def accounts(self) -> dict[str, dict[str, object]]:
        listed = json.loads(self.run("user", "list", "--json").stdout)
        return {account["handle"]: account for account in listed}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


@pytest.fixture
def li(shell: Shell) -> Shell:
    """A folder in which there is the user li."""
    assert shell.run("user", "create", "li", "--name", "Li Bai", stdin=GOOD).exit_code == 0
    return shell


def test_the_first_administrator_is_made_before_any_server_ran(shell: Shell) -> None:
    made = shell.run("user", "create", "li", "--admin", "--email", "li@x.example", stdin=GOOD)
    assert (made.exit_code, made.stdout.startswith("Made the administrator li (u")) == (0, True)
    account = shell.accounts()["li"]
    assert (account["admin"], account["email"]) == (True, "li@x.example")
    assert shell.folder.stat().st_mode & 0o777 == 0o700
    assert (shell.folder / "secrets.toml").stat().st_mode & 0o777 == 0o600


def test_a_password_is_never_an_argument(shell: Shell) -> None:
    refused = shell.run("user", "create", "li", "--password", "x")
    assert refused.exit_code == 2


def test_no_password_at_all_is_refused(shell: Shell) -> None:
    refused = shell.run("user", "create", "li")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "hongyan: no password came on standard input\n",
    )


def test_a_refusal_is_a_sentence_and_a_code(li: Shell) -> None:
    weak = li.run("user", "create", "wang", stdin="short\n")
    assert (weak.exit_code, "weak_password" in weak.stderr) == (1, True)
    taken = li.run("user", "create", "LI", stdin=GOOD)
    assert (taken.exit_code, "handle_taken" in taken.stderr) == (1, True)
    unknown = li.run("user", "deactivate", "nobody-here")
    assert (unknown.exit_code, "no_such_user" in unknown.stderr) == (1, True)


def test_an_account_sleeps_and_wakes(li: Shell) -> None:
    assert li.run("user", "deactivate", "li").stdout == "li is deactivated.\n"
    assert li.accounts()["li"]["state"] == "deactivated"
    assert li.run("user", "reactivate", "li").stdout == "li is active again.\n"
    assert "state" not in li.accounts()["li"]


def test_the_administrators_mark_is_given_and_taken(li: Shell) -> None:
    assert li.run("user", "make-admin", "li").stdout == "li is now an administrator.\n"
    assert li.accounts()["li"]["admin"] is True
    assert li.run("user", "make-admin", "li", "--no").exit_code == 0
    assert "admin" not in li.accounts()["li"]


def test_passwords_and_codes(li: Shell) -> None:
    assert li.run("user", "set-password", "li", stdin="another word 9\n").exit_code == 0
    code = li.run("user", "reset-code", "li")
    assert (code.exit_code, len(code.stdout.strip()) >= 6) == (0, True)
    assert "15 minutes" in code.stderr


def test_tokens_are_minted_for_programs_and_revoked(li: Shell) -> None:
    minted = li.run("token", "mint", "li", "--device-name", "importer", "--expires-in-s", "60")
    assert (minted.exit_code, minted.stdout.count(".")) == (0, 2), "a token and nothing else"
    as_json = json.loads(li.run("token", "mint", "li", "--json").stdout)
    assert as_json.keys() >= {"access_token", "refresh_token", "device_id"}
    assert "were logged out" in li.run("token", "revoke", "li").stdout


def test_invitations(li: Shell) -> None:
    code = li.run("invite", "create", "--uses", "3", "--note", "friends").stdout.strip()
    listed = li.run("invite", "list").stdout
    assert code in listed
    assert "friends" in listed
    assert li.run("invite", "revoke", code).exit_code == 0
    assert code not in li.run("invite", "list").stdout
    assert li.run("invite", "revoke", code).exit_code == 1


def test_a_table_for_people(li: Shell) -> None:
    assert "Li Bai" in li.run("user", "list").stdout


def test_a_folder_that_another_process_holds(li: Shell) -> None:
    with FolderLock(li.folder):
        refused = li.run("user", "list")
        assert refused.exit_code == 3
        assert "Another process works on" in refused.stderr
        assert li.run("serve").exit_code == 3


def test_settings_are_shown_with_their_origin_and_secrets_masked(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HONGYAN_SMTP__PASSWORD", "hush")
    shown = shell.run("settings", "--set", "users.devices_max=7").stdout
    rows = {row.split()[0]: row.split()[1:] for row in shown.splitlines() if row}
    assert rows["users.devices_max"] == ["7", "flag"]
    assert rows["server.drain_s"][1] == "default"
    assert rows["smtp.password"] == ['"********"', "environment"]
    assert "hush" not in shown


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("users.devices_max", "section.name=value"),
        ("users.devices=3", "no such setting"),
        ("users.registration=never", "one of closed, invite, open"),
    ],
)
def test_wrong_settings_stop_everything(shell: Shell, assignment: str, words: str) -> None:
    for command in ("settings", "serve"):
        refused = shell.run(command, "--set", assignment)
        assert (refused.exit_code, words in refused.stderr) == (2, True)
    assert not shell.folder.exists()


def test_secrets_that_others_can_read_stop_everything(li: Shell) -> None:
    (li.folder / "secrets.toml").chmod(0o644)
    refused = li.run("user", "list")
    assert (refused.exit_code, "chmod 600" in refused.stderr) == (2, True)


def test_version() -> None:
    assert CliRunner().invoke(app, ["version"]).stdout == "0.1.0\n"


def test_chat_has_the_options_of_the_client() -> None:
    helped = CliRunner().invoke(app, ["chat", "--help"])
    assert (helped.exit_code, "--as HANDLE" in helped.stdout) == (0, True)
    wrong = CliRunner().invoke(app, ["chat", "--no-such-option"])
    assert wrong.exit_code == 2


def test_every_command_is_listed_by_its_own_name() -> None:
    words = CliRunner().invoke(app, ["--help"]).stdout.split()
    assert {"serve", "gateway", "backend", "worker", "all", "doctor", "user"} <= set(words)
    listed = get_command(app).commands
    assert "hongyan" not in listed
    assert [name for name, command in listed.items() if not command.get_short_help_str()] == []
