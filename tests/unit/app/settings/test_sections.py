"""Settings: what is said where, what wins, and what is refused in which words."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from hongyan.app.settings.page import shown
from hongyan.app.settings.sections import Settings, SettingsError, load_secrets
from hongyan.app.settings.sources import DEFAULT, fields, load


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "some.toml"


def test_nothing_said_gives_the_defaults() -> None:
    loaded = load({"HOME": "/root", "HONGYAN_URL": "ws://x"})
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {DEFAULT}
    assert loaded.settings.host_and_port == ("127.0.0.1", 8800)


def test_flags_beat_the_environment_and_that_beats_the_file(toml: Path) -> None:
    toml.write_text('[server]\nlog_level = "error"\ndrain_s = 1\nlisten = "h:1"\n')
    environment = {"HONGYAN_SERVER__DRAIN_S": "2.5", "HONGYAN_SERVER__LISTEN": "h:2"}
    loaded = load(environment, toml, [("server.listen", "h:0"), ("server.listen", "[::1]:3")])
    server = loaded.settings.server
    assert (server.log_level, server.drain_s, server.listen) == ("error", 2.5, "[::1]:3")
    assert loaded.settings.host_and_port == ("::1", 3)
    assert loaded.origins["server", "log_level"] == f"file {toml}"
    assert loaded.origins["server", "drain_s"] == "environment"
    assert loaded.origins["server", "listen"] == "flag"
    assert loaded.origins["users", "registration"] == DEFAULT


def test_the_data_folder_holds_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "hongyan.toml").write_text('[users]\nregistration = "closed"\n')
    by_flag = load({}, None, [("server.data_dir", str(tmp_path))])
    by_variable = load({"HONGYAN_SERVER__DATA_DIR": str(tmp_path)})
    for loaded in (by_flag, by_variable):
        assert loaded.settings.users.registration == "closed"
        assert loaded.settings.data_dir == tmp_path


def test_the_file_in_the_data_folder_does_not_move_the_folder(tmp_path: Path) -> None:
    (tmp_path / "hongyan.toml").write_text('[server]\ndata_dir = "elsewhere"\n')
    with pytest.raises(SettingsError, match=r"server\.data_dir .*--config"):
        load({}, None, [("server.data_dir", str(tmp_path))])


def test_lists_and_truths_may_be_texts_outside_files() -> None:
    loaded = load(
        {
            "HONGYAN_WEBSOCKET__ALLOWED_ORIGINS": "https://a.example, https://b.example",
            "HONGYAN_WEBSOCKET__COMPRESSION": "true",
        }
    )
    assert loaded.settings.websocket.allowed_origins == ("https://a.example", "https://b.example")
    assert loaded.settings.websocket.compression is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nport = 1\n", ["server.port", "no such setting", "listen"]),
        ("[sever]\nlisten = 'h:1'\n", ["sever.listen", "no such section", "websocket"]),
        ("listen = 'h:1'\n", ["listen", "outside a section"]),
        ("[server]\nlisten = 'h'\n", ["server.listen", "'h' is not allowed", "HOST:PORT"]),
        ("[routing]\nstrategy = 'interest'\n", ["routing.strategy", "is no more", "registry"]),
        ("[routing]\nbuckets = 0\n", ["routing.buckets", "interest, which is no more"]),
        ("[server]\ndrain_s = '3'\n", ["server.drain_s", "'3'", "a number of at least 0"]),
        ("[server]\ndrain_s = -1\n", ["server.drain_s", "-1", "a number of at least 0"]),
        ("[server]\ndrain_s = inf\n", ["server.drain_s", "inf is not allowed"]),
        ("[websocket]\nmax_fragments = -1\n", ["websocket.max_fragments", "-1", "at least"]),
        ("[users]\nregistration = 'no'\n", ["users.registration", "closed, invite, open"]),
        ("[smtp]\nport = 70000\n", ["smtp.port", "from 1 to 65535"]),
        ("[server\n", ["cannot read the settings"]),
    ],
)
def test_a_wrong_file_is_refused_with_key_source_and_what_is_allowed(
    toml: Path, text: str, words: list[str]
) -> None:
    toml.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load({}, toml)
    for word in [*words, str(toml)]:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("cluster.hellos_at_once", "handshakes_at_once"),
        ("cluster.hellos_waiting_max", "handshakes_waiting_max"),
        ("routing.queue_facts_max", "queue_events_max"),
    ],
)
def test_earlier_names_of_settings_are_taken(toml: Path, before: str, now: str) -> None:
    section, _, name = before.partition(".")
    toml.write_text(f"[{section}]\n{name} = 7\n")
    variable = {f"HONGYAN_{section}__{name}".upper(): "8"}
    for loaded, value in (
        (load({}, toml), 7),
        (load(variable, toml), 8),
        (load(variable, toml, [(before, "9")]), 9),
        (load(variable, toml, [(f"{section}.{now}", "10")]), 10),
    ):
        assert getattr(getattr(loaded.settings, section), now) == value
        assert loaded.origins[section, now] != DEFAULT
        assert (section, name) not in loaded.origins


def test_a_wrong_variable_is_named_as_it_was_written() -> None:
    with pytest.raises(SettingsError, match=r"HONGYAN_SERVER__PORT .*environment.*listen"):
        load({"HONGYAN_SERVER__PORT": "1"})


def test_a_wrong_flag_says_that_it_is_one() -> None:
    with pytest.raises(SettingsError, match=r"users\.devices_max \(in flag\): 'many'"):
        load({}, None, [("users.devices_max", "many")])


def test_a_missing_file_that_was_asked_for_is_an_error(toml: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load({}, toml)


def test_a_secret_is_never_repeated(toml: Path) -> None:
    toml.write_text("[smtp]\npassword = 5551212\n")
    with pytest.raises(SettingsError) as refused:
        load({}, toml)
    assert "5551212" not in str(refused.value)


def test_every_default_is_allowed_and_every_field_explained() -> None:
    for field in fields():
        assert field.text, f"{field.dotted} has no text below it"
        written = tomllib.loads(f"value = {shown(field.default)}")["value"]
        assert msgspec.convert(written, field.type) == field.default


# --- secrets ---


def test_secrets_are_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    first = load_secrets(tmp_path)
    assert len(bytes.fromhex(first.access_token_key)) == 32
    assert load_secrets(tmp_path) == first
    assert (tmp_path / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.toml"]


def test_two_folders_have_different_secrets(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    assert load_secrets(tmp_path / "one") != load_secrets(tmp_path / "other")


def test_secrets_that_others_may_read_are_refused(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    (tmp_path / "secrets.toml").chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_secrets(tmp_path)


def test_broken_secrets_are_not_replaced_silently(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    (tmp_path / "secrets.toml").write_text("access_token_key = 'short'\n")
    with pytest.raises(SettingsError, match="backup"):
        load_secrets(tmp_path)
