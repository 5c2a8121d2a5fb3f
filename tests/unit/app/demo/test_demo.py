"""The demo fills a server with what belongs together."""

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from tests.unit.app.conftest import settings_for
from typer.testing import CliRunner

from hongyan.app.cli.demo import fill
from hongyan.app.cli.root import app
from hongyan.app.demo import demo
from hongyan.app.demo.talk import DIALOGUES, PEOPLE, WORDS
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.domain.catalog import ROWS
from hongyan.domain.group.model import Group
from hongyan.domain.message.model import MESSAGE, Image, MessageBody, Text
from hongyan.domain.message.rows import MessageMetadata, Revision, Vote
from hongyan.domain.user.model import Credential, User
from hongyan.infra.sqlite.snapshot import SqliteSnapshot


async def _messages(folder: Path) -> list[tuple[str, str, MessageBody]]:
    async with SqliteSnapshot(folder / DATABASE, ROWS) as snapshot:
        names = {user.user_id: user.name for user in await snapshot.scan(User)}
        entries = [entry for _, entry in await snapshot.follow(0, 100_000)]
    return [
        (entry.log_id, names[entry.sender], msgspec.json.decode(entry.body, type=MessageBody))
        for entry in entries
        if entry.kind == MESSAGE
    ]


async def test_people_talk_in_both_languages(folder: Path) -> None:
    messages = await _messages(folder)
    assert len(messages) == 60 + 6, "the poll, the call to it and four files come on top"
    text = msgspec.json.encode([body for _, _, body in messages]).decode()
    assert re.search("[\u4e00-\u9fff]{4}", text)
    assert re.search("[a-z]{4} [a-z]{2}", text)
    assert "{" + "day}" not in text
    assert any(body.quote is not None for _, _, body in messages)
    pictures = [body.content for _, _, body in messages if isinstance(body.content, Image)]
    assert [(picture.width, picture.height) for picture in pictures] == [(480, 270)] * 2
    async with SqliteSnapshot(folder / DATABASE, ROWS) as snapshot:
        assert await snapshot.count(User) == 5
        assert await snapshot.count(Group) == 5
        for row in (MessageMetadata, Revision, Vote):
            assert await snapshot.count(row), row


async def test_the_same_seed_says_the_same(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    report = await fill(settings_for(other), 5, 60, 7, False, ProgressBars())
    assert report is not None

    def told(messages: list[tuple[str, str, MessageBody]]) -> Counter[tuple[str, str]]:
        texts = [(name, body.content) for _, name, body in messages]
        return Counter((name, text.text) for name, text in texts if isinstance(text, Text))

    assert told(await _messages(other)) == told(await _messages(folder))
    passwords = [person.password for person in report.people]
    assert len(set(passwords)) == 5
    assert all(password and len(password) >= 12 for password in passwords)


async def test_a_server_with_users_is_left_alone(folder: Path) -> None:
    settings = settings_for(folder)
    assert await fill(settings, 5, 10, 7, False, ProgressBars()) is None
    again = await fill(settings, 5, 10, 7, True, ProgressBars())
    assert again is not None
    assert again.people[0].handle == "linxiaowen2"


async def test_many_are_told_quickly_and_completely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "LITTLE", 100)
    folder = tmp_path / "many"
    report = await fill(settings_for(folder), 22, 600, 1, False, ProgressBars())
    assert report is not None
    assert report.messages == 600
    assert len(await _messages(folder)) == 606
    async with SqliteSnapshot(folder / DATABASE, ROWS) as snapshot:
        assert await snapshot.count(Credential) == 20, "the others have no password"


def test_the_command_prints_passwords_once_and_refuses_a_second_time(tmp_path: Path) -> None:
    arguments = ["demo", "--data", str(tmp_path / "data"), "--people", "3", "--messages", "5"]
    made = CliRunner().invoke(app, arguments)
    assert (made.exit_code, "emma" in made.stdout) == (0, True), made.output
    again = CliRunner().invoke(app, arguments)
    assert (again.exit_code, "--force" in again.stderr) == (1, True)


def test_the_talk_has_no_holes() -> None:
    words = dict.fromkeys((*WORDS, "number", "percent"), "x")
    for scene in DIALOGUES:
        for place, turn in enumerate(scene):
            assert turn.zh.format(**words)
            assert turn.en.format(**words)
            assert turn.answers < place
    assert len({handle for _, handle, _ in PEOPLE}) == len(PEOPLE)
