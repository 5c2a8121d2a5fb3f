"""Exports: what a user may see, or a whole conversation, as files that anybody can read.

An export is a folder: ``index.html``, and for each conversation JSON lines of its entries
(``conversations/ID.jsonl``) and pages to read; ``files/`` holds what was sent. What is
exported is what was there at one moment.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hongyan.app.progress import OnProgress, ProgressBars
from hongyan.domain.conversation.commands import GetHistory
from hongyan.domain.conversation.history import Histories
from hongyan.domain.conversation.model import Entries
from hongyan.domain.conversation.queries import ConversationQueries
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Entry
from hongyan.domain.log.ports import Cursors, Log, Records
from hongyan.domain.media.model import MediaItem, object_name
from hongyan.domain.media.ports import Objects
from hongyan.domain.message.model import MESSAGE, Media, decode_body
from hongyan.domain.message.rows import MessageMetadata, Revision
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.accounts import account_of
from hongyan.domain.user.model import User
from hongyan.domain.visibility.model import Preference
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import NotFound
from hongyan.kernel.ids import SYSTEM, ConversationId, DeviceId, Kind, LogId, UserId, kind_of

from .pages import Copied, ExportedChat, Pages, Reactions

PAGE_MESSAGES = 1_000
READ_AT_ONCE = 200
CHATS, FILES = "conversations", "files"
PLAIN_SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4", ".webm", ".mov", ".mp3", ".m4a", ".ogg"),
    *(".opus", ".wav", ".pdf", ".txt", ".csv", ".zip", ".docx", ".xlsx", ".pptx"),
}
"""Files that no browser takes for a page; others get ``.bin`` behind their name."""


class ExportFailed(Exception):
    """An export that was not made; the sentence says why."""


class ExportSource(Log, Cursors, Records, Protocol):
    """The source of an export: a snapshot."""


class Exporter:
    """Writes exports.

    Args:
        source: A snapshot of everything.
        objects: Where the bytes of files are.
        target: A new folder.
        language: ``en`` or ``zh``, of the labels on the pages.
        progress: Shows how far it is.
    """

    def __init__(
        self,
        source: ExportSource,
        objects: Objects,
        target: Path,
        language: str,
        progress: ProgressBars,
    ) -> None:
        self._source = source
        self._objects = objects
        self._target = target
        self._progress = progress
        self._names: dict[str, str] = {}
        self._files: dict[str, Copied] = {}
        self._pages = Pages(language, self._names, self._files)
        self._queries = ConversationQueries(source, source, source, visibility_of(source))
        self._histories = Histories(self._queries)

    async def user(self, user_id: UserId) -> int:
        """Export a user's own chats, as far as the user may see them; return how many.

        Visibility, what was cleared and what was hidden are judged as for the user's own
        devices. Profile, relations and preferences come along.

        Raises:
            ExportFailed: there is no such user, or the folder exists already.
        """
        user = await self._source.get(User, user_id)
        if user is None:
            raise ExportFailed("there is no such user")
        self._prepare()
        await self._learn([user_id])
        self._write_json("profile.json", account_of(user))
        relations = await self._source.scan(Relation, user_id, limit=100_000)
        preferences = await self._source.scan(Preference, user_id, limit=100_000)
        self._write_json("relations.json", relations)
        self._write_json("preferences.json", preferences)
        conversations = [
            conversation_id
            for active in (True, False)
            for conversation_id, _ in await self._source.keys(Member, user_id, active, by="of_user")
        ]
        report = self._progress.stage("conversations")
        chats = []
        for done, conversation_id in enumerate(conversations, 1):
            chats.append(
                await self._chat(conversation_id, user_id, self._seen(user_id, conversation_id))
            )
            report(done, len(conversations))
        self._finish(self._pages.name(user_id), [chat for chat in chats if chat is not None])
        return len(chats)

    async def conversation(self, conversation_id: ConversationId) -> int:
        """Export all that a conversation's log holds; return how many messages.

        For compliance: whatever single members may see. What was recalled, burned or trimmed
        is gone here too; earlier versions of edited messages are not.

        Raises:
            ExportFailed: there is no such conversation, or the folder exists already.
        """
        log_id = LogId(conversation_id)
        head = (await self._source.states([log_id]))[log_id]
        if kind_of(conversation_id) is None or not head.seq:
            raise ExportFailed("there is no such conversation")
        self._prepare()
        members = await self._source.scan(Member, conversation_id, limit=100_000)
        self._write_json("members.json", members)
        revisions = await self._source.scan(Revision, conversation_id, limit=1_000_000)
        self._write_json("revisions.json", revisions)
        group = await self._source.get(Group, conversation_id)
        if group is not None:
            self._write_json("group.json", group)
        await self._learn([member.user_id for member in members])
        report = self._progress.stage("entries")
        chat = await self._chat(conversation_id, None, self._all(log_id, head.seq, report))
        assert chat is not None
        self._finish(chat.title, [chat])
        return chat.messages

    # --- reading ---

    async def _seen(
        self, user_id: UserId, conversation_id: ConversationId
    ) -> AsyncIterator[list[Entry]]:
        """Yield what a user sees, by the same queries as the user's devices."""
        actor, after = Actor(user_id, DeviceId("")), 0
        while True:
            ask = GetHistory(conversation_id=conversation_id, after_seq=after, limit=READ_AT_ONCE)
            page: Entries = await self._histories.history(actor, ask)
            yield list(page.entries)
            if not page.more_after or page.to_seq <= after:
                return
            after = page.to_seq

    async def _all(
        self, log_id: LogId, last: int, report: OnProgress
    ) -> AsyncIterator[list[Entry]]:
        seq = 0
        while seq < last:
            page = await self._source.read(log_id, seq + 1, last, READ_AT_ONCE)
            seq = page[-1].seq if page else last
            report(seq, last)
            yield page

    async def _learn(self, user_ids: Sequence[str]) -> None:
        """Learn what these people are called."""
        keys = [(user_id,) for user_id in set(user_ids) if user_id not in self._names]
        users = await self._source.get_many(User, keys) if keys else {}
        for (user_id,) in keys:
            user = users.get(user_id)
            is_gone = user is None or user.state == "deleted"
            self._names[user_id] = (
                self._pages.words["system" if user_id == SYSTEM else "deleted"]
                if user is None or is_gone
                else user.name or user.handle or user_id
            )

    # --- writing ---

    def _prepare(self) -> None:
        try:
            self._target.mkdir(mode=0o700, parents=True)
        except FileExistsError as error:
            raise ExportFailed(f"{self._target} exists already; name a new folder") from error
        (self._target / CHATS).mkdir(mode=0o700)

    async def _chat(
        self,
        conversation_id: ConversationId,
        reader: UserId | None,
        pages: AsyncIterator[list[Entry]],
    ) -> ExportedChat | None:
        """Write one conversation; return None where there was nothing to see."""
        title = await self._title(conversation_id, reader)
        marks = await self._reactions(conversation_id, reader)
        shown: list[Entry] = []
        number = messages = 0
        with (self._target / CHATS / f"{conversation_id}.jsonl").open("wb") as lines:
            async for entries in pages:
                await self._learn([entry.sender for entry in entries])
                for entry in entries:
                    lines.write(msgspec.json.encode(entry) + b"\n")
                    if entry.kind == MESSAGE:
                        shown.append(entry)
                        messages += 1
                        await self._take_files(entry)
                while len(shown) > PAGE_MESSAGES:
                    number += 1
                    self._write_page(
                        conversation_id, title, number, shown[:PAGE_MESSAGES], marks, True
                    )
                    del shown[:PAGE_MESSAGES]
        if not messages and not shown and reader is not None:
            (self._target / CHATS / f"{conversation_id}.jsonl").unlink()
            return None
        self._write_page(conversation_id, title, number + 1, shown, marks, False)
        return ExportedChat(f"{CHATS}/{_page_name(conversation_id, 1)}", title, messages)

    def _write_page(
        self,
        conversation_id: str,
        title: str,
        number: int,
        entries: Sequence[Entry],
        marks: Reactions,
        more: bool,
    ) -> None:
        earlier = _page_name(conversation_id, number - 1) if number > 1 else ""
        later = _page_name(conversation_id, number + 1) if more else ""
        text = self._pages.chat(title, entries, earlier, later, marks)
        (self._target / CHATS / _page_name(conversation_id, number)).write_text(
            text, encoding="utf-8"
        )

    async def _title(self, conversation_id: ConversationId, reader: UserId | None) -> str:
        words, kind = self._pages.words, kind_of(conversation_id)
        group = await self._source.get(Group, conversation_id)
        if group is not None:
            return f"{words['group']} {group.name}"
        if kind in (Kind.SELF, Kind.SYSTEM):
            return words[kind]
        members = [
            user_id for _, user_id in await self._source.keys(Member, conversation_id, limit=10)
        ]
        await self._learn(members)
        others = [user_id for user_id in members if user_id != reader] or members
        return f"{words['direct']} {', '.join(self._pages.name(one) for one in others)}"

    async def _reactions(
        self, conversation_id: ConversationId, reader: UserId | None
    ) -> dict[int, list[tuple[str, int]]]:
        """Return how many emojis each message has now, which who has left does not learn."""
        if reader is not None:
            windows = await self._queries.visibility.windows(reader, [conversation_id])
            if windows[conversation_id].is_over:
                return {}
        found = await self._source.scan(MessageMetadata, conversation_id, limit=1_000_000)
        return {
            row.seq: [(one.emoji, one.count) for one in row.emojis] for row in found if row.emojis
        }

    async def _take_files(self, entry: Entry) -> None:
        """Copy the file of a message, if there is one and its bytes are here."""
        content = decode_body(entry).content
        if not isinstance(content, Media) or content.media_id in self._files:
            return
        item = await self._source.get(MediaItem, content.media_id)
        if item is None:
            return
        suffix = Path(item.name).suffix.lower()
        safe = suffix if suffix in PLAIN_SUFFIXES else f"{suffix[:10]}.bin"
        relative = f"{FILES}/{content.media_id}{safe if safe.isascii() else '.bin'}"
        (self._target / FILES).mkdir(mode=0o700, exist_ok=True)
        try:
            async with self._objects.local(object_name(item.sha256)) as path:
                await asyncio.to_thread(shutil.copyfile, path, self._target / relative)
        except NotFound:
            return
        is_picture = item.is_plain and item.mime.startswith("image/")
        self._files[content.media_id] = Copied(relative, item.name, is_picture)

    def _write_json(self, name: str, value: Any) -> None:
        text = msgspec.json.format(msgspec.json.encode(value), indent=1)
        (self._target / name).write_bytes(text)

    def _finish(self, title: str, chats: Sequence[ExportedChat]) -> None:
        now_ms = time.time_ns() // 1_000_000
        text = self._pages.index(title, sorted(chats, key=lambda chat: chat.title), now_ms)
        (self._target / "index.html").write_text(text, encoding="utf-8")


def _page_name(conversation_id: str, number: int) -> str:
    return f"{conversation_id}-{number}.html"
