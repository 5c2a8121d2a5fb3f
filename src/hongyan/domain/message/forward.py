"""Forwarding: messages of one conversation are sent again in others."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from hongyan.domain.log.ports import Records
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.errors import Invalid, NotFound, Refusal
from hongyan.kernel.ids import ClientId, ConversationId, Kind, LogId, UserId
from hongyan.kernel.limits import check_length

from .commands import Ack, Forwarded, ForwardMessages, ForwardReport, SendMessage
from .model import Content, ForwardedMessage, MergedForward, Origin, decode_body
from .rules import check_may_forward
from .send import ExtraChanges, Sending
from .send_contexts import SendContext
from .targets import Target, Targets

SEQS_MAX = 100
TARGETS_MAX = 20
TITLE_CHARACTERS_MAX = 200


class _Copy(Struct, frozen=True):
    """One message to be sent to each target."""

    client_id: ClientId
    content: Content
    origin: Origin | None
    seen: tuple[tuple[LogId, int], ...]
    """The place of the messages."""


class Forwarding:
    """Answers ``message.forward``.

    Args:
        records: Has the authors' names.
        targets: Finds the messages.
        sending: Sends the copies, by all rules of sending.
    """

    def __init__(self, records: Records, targets: Targets, sending: Sending) -> None:
        self._records = records
        self._targets = targets
        self._sending = sending

    @handles(ForwardMessages)
    async def forward(self, actor: Actor, command: ForwardMessages) -> ForwardReport:
        """Answer ``ForwardMessages``."""
        _check(command)
        context = await self._targets.context(actor, command.conversation_id)
        found = await self._find(context, command.seqs)
        names = await self._names(found)
        if command.mode == "merged":
            copies = [_merged(command, found, names)]
        else:
            copies = [_single(command, context, one, names) for one in found]
        sent = [self._send(actor, target, copies) for target in command.targets]
        return ForwardReport(tuple(await asyncio.gather(*sent)))

    async def _find(self, context: SendContext, seqs: Sequence[int]) -> list[Target]:
        entries = {entry.seq: entry for entry in await self._targets.see_many(context, seqs)}
        found = []
        for seq in seqs:
            if seq not in entries:
                raise NotFound("There is no such message.", seq=seq)
            target = Target(context, entries[seq], decode_body(entries[seq]))
            target.content()  # refuses where it is gone
            check_may_forward(target.body, seq)
            found.append(target)
        return found

    async def _names(self, found: Sequence[Target]) -> dict[UserId, str]:
        people = {target.entry.sender for target in found} | {_author(target) for target in found}
        users = await self._records.get_many(User, [(user_id,) for user_id in people])
        return {user_id: user.name for user_id, user in users.items()}

    async def _send(self, actor: Actor, to: ConversationId, copies: Sequence[_Copy]) -> Forwarded:
        """Send the copies to one target in their order; stop at the first refusal."""
        receipts: list[Ack] = []
        for copy in copies:
            command = SendMessage(
                conversation_id=to, client_id=copy.client_id, content=copy.content
            )
            try:
                extras = ExtraChanges(forwarded_from=copy.origin, seen=copy.seen)
                receipts.append(await self._sending.deliver(actor, command, extras))
            except Refusal as refusal:
                return Forwarded(to, tuple(receipts), refusal.code, refusal.text)
        return Forwarded(to, tuple(receipts))


def _check(command: ForwardMessages) -> None:
    check_length("client_id", command.client_id, 64, 1)
    check_length("seqs", command.seqs, SEQS_MAX, 1)
    check_length("targets", command.targets, TARGETS_MAX, 1)
    check_length("title", command.title, TITLE_CHARACTERS_MAX)
    if len(set(command.seqs)) < len(command.seqs) or len(set(command.targets)) < len(
        command.targets
    ):
        raise Invalid("A message or a target is named twice.")


def _client_id(command: ForwardMessages, part: str) -> ClientId:
    """Return a client id that follows from the forward's own, so that a retry finds it again."""
    source = "\0".join((command.client_id, command.conversation_id, part))
    return ClientId("f" + blake2b(source.encode(), digest_size=16).hexdigest())


def _author(target: Target) -> UserId:
    """Return who wrote it first, also where this is a forward already."""
    origin = target.body.forwarded_from
    return target.entry.sender if origin is None else origin.sender


def _single(
    command: ForwardMessages, context: SendContext, target: Target, names: dict[UserId, str]
) -> _Copy:
    author = _author(target)
    origin = target.body.forwarded_from
    if origin is None:
        # a channel is public enough to be named; a private conversation is nobody's business
        source = context.conversation_id if context.kind == Kind.CHANNEL else ConversationId("")
        origin = Origin(author, names.get(author, ""), source)
    client_id = _client_id(command, str(target.entry.seq))
    return _Copy(client_id, target.content(), origin, _places((target,)))


def _merged(command: ForwardMessages, found: Sequence[Target], names: dict[UserId, str]) -> _Copy:
    messages = tuple(
        ForwardedMessage(
            target.entry.sender,
            names.get(target.entry.sender, ""),
            target.entry.sent_at_ms,
            msgspec.to_builtins(target.content()),
        )
        for target in found
    )
    seqs = ",".join(str(target.entry.seq) for target in found)
    content = MergedForward(command.title, messages)
    return _Copy(_client_id(command, "merged " + seqs), content, None, _places(found))


def _places(found: Sequence[Target]) -> tuple[tuple[LogId, int], ...]:
    return tuple((target.entry.log_id, target.entry.seq) for target in found)
