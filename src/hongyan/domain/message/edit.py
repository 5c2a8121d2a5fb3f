"""Editing one's messages, and looking at what they said before."""

from typing import Literal

from msgspec import structs

from hongyan.domain.group.model import Role
from hongyan.domain.log.model import Change, Commit, Entry, Put, Rewrite, encode_body
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Forbidden, LimitReached

from .commands import (
    Edited,
    EditedMeanwhile,
    EditMessage,
    GetMessage,
    ListRevisions,
    RevisionInfo,
    Revisions,
    SendMessage,
)
from .mention import Mentioning
from .model import MESSAGE_EDITED, Content, MessageBody, MessageEdited
from .ports import Gate
from .removal import overtake
from .rows import Revision
from .rules import (
    DEFAULT_LIMITS,
    DEFAULT_WINDOWS,
    MessageLimits,
    Windows,
    check_content,
    check_edit,
    check_may_speak,
    check_window,
    edited_content,
)
from .send import through
from .targets import Target, Targets

EDITS_MAX = 100
Viewers = Literal["everyone", "admins", "nobody"]


class Editing:
    """Answers ``message.edit``, ``message.revisions`` and ``message.get``.

    Args:
        log: Where messages are.
        records: Their earlier versions.
        clock: The time of day.
        targets: Finds messages.
        mentions: What mentions change.
        limits: How large a message may be.
        windows: For how long one may edit.
        viewers: Who sees earlier versions, beside the author.
        gates: Asked in order before the new content is stored, as if it were sent.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        targets: Targets,
        mentions: Mentioning,
        limits: MessageLimits = DEFAULT_LIMITS,
        windows: Windows = DEFAULT_WINDOWS,
        viewers: Viewers = "everyone",
        gates: tuple[Gate, ...] = (),
    ) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._targets = targets
        self._mentions = mentions
        self._limits = limits
        self._windows = windows
        self._viewers = viewers
        self._gates = gates

    @handles(GetMessage)
    async def get(self, actor: Actor, command: GetMessage) -> Entry:
        """Answer ``GetMessage``."""
        return (await self._targets.see(actor, command.conversation_id, command.seq)).entry

    @handles(EditMessage)
    async def edit(self, actor: Actor, command: EditMessage) -> Edited:
        """Answer ``EditMessage``."""
        answer = Edited(0, 0, 0)

        async def attempt(target: Target) -> Commit:
            nonlocal answer
            old, body = target.content(), target.body
            if target.entry.sender != actor.user_id:
                raise Forbidden("You can edit your own messages only.")
            check_edit(old, command.content)
            wanted = edited_content(old, command.content)
            if wanted == old:  # also what a retry finds, whatever version it expects
                answer = Edited(0, body.version, body.edited_at_ms)
                return Commit()
            if command.expected_version not in (0, body.version):
                raise EditedMeanwhile(version=body.version)
            content = await self._judge(actor, structs.replace(command, content=wanted), target)
            edited = structs.replace(
                body,
                content=content,
                version=body.version + 1,
                edited_at_ms=self._clock.now_ms(),
            )
            answer = Edited(0, edited.version, edited.edited_at_ms)
            return await self._commit(target, old, content, edited)

        noted = await self._targets.change(actor, command.conversation_id, command.seq, attempt)
        return structs.replace(answer, entry_seq=noted.entry_seq)

    async def _judge(self, actor: Actor, command: EditMessage, target: Target) -> Content:
        """Refuse what the rules of editing or sending do not allow; return what to store."""
        now_ms, body = self._clock.now_ms(), target.body
        check_window(target.entry.sent_at_ms, self._windows.edit_ms, now_ms)
        check_may_speak(target.context, command.content, now_ms)
        if body.version > EDITS_MAX:
            raise LimitReached("This message was edited too often.", limit=EDITS_MAX)
        content = await self._through_gates(actor, command, target)
        stored = encode_body(structs.replace(body, content=content))
        check_content(content, len(stored), self._limits)
        return content

    async def _through_gates(self, actor: Actor, command: EditMessage, target: Target) -> Content:
        """Return what the gates make of it, which like any edit changes words alone."""
        if not self._gates:
            return command.content
        quote = target.body.quote
        as_sent = SendMessage(
            conversation_id=command.conversation_id,
            client_id=target.entry.client_id,
            content=command.content,
            quote_seq=0 if quote is None else quote.seq,
            burn_after_ms=target.body.burn_after_ms,
        )
        content = await through(self._gates, actor, as_sent, target.entry.seq)
        check_edit(command.content, content)
        return edited_content(command.content, content)

    async def _commit(
        self, target: Target, old: Content, new: Content, edited: MessageBody
    ) -> Commit:
        entry, context, body = target.entry, target.context, target.body
        revision = Revision(
            conversation_id=context.conversation_id,
            seq=entry.seq,
            version=body.version,
            content=old,
            since_ms=body.edited_at_ms or entry.sent_at_ms,
        )
        changes: list[Change] = [
            Put(revision, seq_field="ended_seq"),
            Rewrite(entry.log_id, entry.seq, encode_body(edited)),
        ]
        changes += await self._mentions.changes_by_edit(context, entry.seq, old, new)
        before = (context.conversation_id, entry.seq, body.version - 1)
        previous = await self._records.get(Revision, *before)
        if previous is not None:
            changes += await overtake(self._log, entry, previous)
        entry_body = MessageEdited(entry.seq, edited.version, edited.edited_at_ms, new)
        return Commit(
            (target.append(MESSAGE_EDITED, entry_body, edited.edited_at_ms),), tuple(changes)
        )

    @handles(ListRevisions)
    async def revisions(self, actor: Actor, command: ListRevisions) -> Revisions:
        """Answer ``ListRevisions``."""
        target = await self._targets.see(actor, command.conversation_id, command.seq)
        is_admin = target.context.member.role != Role.MEMBER
        if target.entry.sender != actor.user_id and (
            self._viewers == "nobody" or (self._viewers == "admins" and not is_admin)
        ):
            raise Forbidden("Earlier versions are not shown here.")
        rows = await self._records.scan(
            Revision, command.conversation_id, command.seq, limit=EDITS_MAX
        )
        return Revisions(tuple(RevisionInfo(r.version, r.content, r.since_ms) for r in rows))
