"""An export shows what its reader may see, and nothing that is active."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.unit.app.conftest import settings_for

from hongyan.app.export.exporter import Exporter, ExportFailed
from hongyan.app.export.pages import LABELS
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE, Embedded
from hongyan.domain.catalog import ROWS
from hongyan.domain.conversation.commands import ClearConversation, HideMessages, OpenDirect
from hongyan.domain.group.commands import CreateGroup, UpdateGroup
from hongyan.domain.group.commands_members import InviteMembers, LeaveGroup
from hongyan.domain.log.model import Commit, Put
from hongyan.domain.media.model import MediaItem, object_name
from hongyan.domain.message.commands import EditMessage, RecallMessage, SendMessage
from hongyan.domain.message.commands_metadata import React
from hongyan.domain.message.model import (
    Content,
    Custom,
    File,
    Image,
    Link,
    Location,
    Poll,
    Text,
)
from hongyan.domain.user.commands_admin import CreateUser
from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.sqlite.snapshot import SqliteSnapshot
from hongyan.kernel.bus import Actor
from hongyan.kernel.ids import SYSTEM, DeviceId, UserId

NASTY = '<script>alert(1)</script><img src=x onerror="alert(2)">'
SHA256 = "ab" * 32


class Harness:
    """Services on a folder, and exports of it."""

    def __init__(self, folder: Path, embedded: Embedded) -> None:
        self.folder = folder
        self.embedded = embedded
        self.sent = 0

    async def do(self, who: str, command: Any) -> Any:
        return await self.embedded.caller.call(Actor(UserId(who), DeviceId("v")), command)

    async def say(self, who: str, where: str, content: str | Content) -> int:
        self.sent += 1
        content = Text(content) if isinstance(content, str) else content
        command = SendMessage(conversation_id=where, client_id=f"c{self.sent}", content=content)
        return int((await self.do(who, command)).seq)

    async def export(self, name: str, user: str = "", place: str = "", language: str = "en") -> Any:
        target = self.folder.parent / name
        async with SqliteSnapshot(self.folder / DATABASE, ROWS) as snapshot:
            objects = FolderObjects(self.folder / "files")
            exporter = Exporter(snapshot, objects, target, language, ProgressBars())
            await (exporter.user(user) if user else exporter.conversation(place))
        return Exported(target)


class Exported:
    """What an export holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.html = "".join(path.read_text() for path in sorted(folder.rglob("*.html")))

    def texts(self, place: str) -> list[str]:
        path = self.folder / "conversations" / f"{place}.jsonl"
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        bodies = [entry["body"] for entry in entries if entry["kind"] == "message"]
        return [body["content"]["text"] for body in bodies if body["content"]]


@pytest.fixture
async def harness(tmp_path: Path) -> Any:
    folder = tmp_path / "data"
    embedded = await Embedded.open(settings_for(folder))
    harness = Harness(folder, embedded)
    operator = Actor(SYSTEM, DeviceId(""), admin=True)
    for name in ("li", "wang", "zhao"):
        create = CreateUser(user_id=name, handle=name, name=name.title())
        await embedded.caller.call(operator, create)
    yield harness
    await embedded.close()


async def test_only_what_the_user_may_see(harness: Harness) -> None:
    made = await harness.do("li", CreateGroup(client_id="1", name="Tea", user_ids=("wang",)))
    group = made.conversation_id
    await harness.do("li", UpdateGroup(conversation_id=group, history_visible=False))
    await harness.say("li", group, "before zhao came")
    await harness.do("li", InviteMembers(conversation_id=group, user_ids=("zhao",)))
    kept = await harness.say("li", group, "while zhao was here")
    hidden = await harness.say("li", group, "hidden by zhao")
    await harness.do("zhao", HideMessages(conversation_id=group, seqs=(hidden,)))
    recalled = await harness.say("li", group, "recalled by li")
    await harness.do("li", RecallMessage(conversation_id=group, seq=recalled))
    await harness.do("zhao", LeaveGroup(conversation_id=group))
    await harness.say("li", group, "after zhao left")
    later = EditMessage(conversation_id=group, seq=kept, content=Text("edited later"))
    await harness.do("li", later)
    await harness.do("wang", React(conversation_id=group, seq=kept, emoji="🦢"))
    direct = (await harness.do("li", OpenDirect(user_id="wang"))).conversation_id
    await harness.say("wang", direct, "between li and wang")
    cleared = (await harness.do("zhao", OpenDirect(user_id="li"))).conversation_id
    await harness.say("li", cleared, "cleared by zhao")
    await harness.do("zhao", ClearConversation(conversation_id=cleared))
    await harness.say("li", cleared, "after clearing")
    found = await harness.export("zhao", user="zhao")
    assert found.texts(group) == ["while zhao was here"]
    assert found.texts(cleared) == ["after clearing"]
    everything = "".join(path.read_text() for path in found.folder.rglob("*") if path.is_file())
    secrets = ("before zhao", "after zhao left", "recalled by", "hidden by", "between li")
    for secret in (*secrets, "edited later", "🦢"):
        assert secret not in everything
    assert json.loads((found.folder / "profile.json").read_text())["handle"] == "zhao"
    theirs = await harness.export("wang", user="wang")
    assert theirs.texts(direct) == ["between li and wang"]
    assert "after zhao left" in theirs.texts(group)


async def test_a_conversation_for_compliance_holds_all(harness: Harness) -> None:
    made = await harness.do("li", CreateGroup(client_id="1", name="Tea", user_ids=("wang",)))
    group = made.conversation_id
    seq = await harness.say("li", group, "first version")
    await harness.do("li", EditMessage(conversation_id=group, seq=seq, content=Text("second")))
    hidden = await harness.say("li", group, "hidden by wang")
    await harness.do("wang", HideMessages(conversation_id=group, seqs=(hidden,)))
    for number in range(450):
        await harness.say("wang", group, f"number {number}")
    found = await harness.export("all", place=group)
    assert found.texts(group)[:2] == ["second", "hidden by wang"]
    assert len(found.texts(group)) == 452
    assert "first version" in (found.folder / "revisions.json").read_text()
    assert len(json.loads((found.folder / "members.json").read_text())) == 2
    with pytest.raises(ExportFailed, match="exists already"):
        await harness.export("all", place=group)
    with pytest.raises(ExportFailed, match="no such conversation"):
        await harness.export("none", place="g" + "a" * 16)
    with pytest.raises(ExportFailed, match="no such user"):
        await harness.export("nobody", user="nobody")


class Tags(HTMLParser):
    """Collects elements and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


async def test_nothing_in_the_pages_is_active(harness: Harness) -> None:
    made = await harness.do("li", CreateGroup(client_id="1", name=f"Tea {NASTY[:40]}"))
    group = made.conversation_id
    await harness.say("li", group, NASTY)
    for content in (
        Link(url="javascript:alert(3)", title=NASTY, description=NASTY),
        Poll(NASTY, (NASTY, "no")),
        Custom(name="x", data={}, summary=NASTY),
        Location(latitude=1.5, longitude=2.5, name=NASTY),
    ):
        await harness.say("li", group, content)
    for language in ("en", "zh"):
        found = await harness.export(language, place=group, language=language)
        tags = Tags()
        tags.feed(found.html)
        allowed = {
            *("html", "head", "meta", "title", "style", "body", "h1", "h2", "ul", "li", "a", "b"),
            *("span", "nav", "footer", "article", "div", "p", "blockquote", "img"),
        }
        assert {tag for tag, _ in tags.found} <= allowed
        hrefs = [attributes["href"] for tag, attributes in tags.found if tag == "a"]
        assert {href for href in hrefs if not href.startswith(("conversations/", "../"))} == set()
        assert not [a for _, attributes in tags.found for a in attributes if a.startswith("on")]
        assert "&lt;script&gt;" in found.html
        assert "default-src 'none'" in found.html
        assert "prefers-color-scheme: dark" in found.html
        assert LABELS[language]["chats"] in found.html


async def test_files_come_along_under_harmless_names(harness: Harness) -> None:
    place = (await harness.do("li", OpenDirect(user_id="wang"))).conversation_id
    store = harness.embedded.store
    path = harness.folder / "files" / "objects" / object_name(SHA256)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<svg onload='alert(1)'/>")
    names = {"m1": ("a.svg", "image/svg+xml", False), "m2": ("b.png", "image/png", True)}
    for media_id, (name, mime, plain) in names.items():
        item = MediaItem(
            media_id=media_id, owner_id="li", sha256=SHA256, size_bytes=24, mime=mime,
            name=name, is_plain=plain,
        )  # fmt: skip
        await store.commit(Commit(changes=(Put(item),)))
    await harness.say("li", place, File(media_id="m1", name="a.svg"))
    await harness.say("li", place, Image(media_id="m2", name=NASTY, caption="look"))
    found = await harness.export("files", user="wang")
    files = sorted(file.name for file in (found.folder / "files").iterdir())
    assert files == ["m1.svg.bin", "m2.png"]
    assert '<img src="../files/m2.png"' in found.html
    assert re.search(r'<a href="../files/m1.svg.bin" download>', found.html)
    assert "<script>" not in found.html
