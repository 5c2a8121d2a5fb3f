"""Mentions: the rows by which a user finds the unread messages that call them."""

from msgspec import structs

from hongyan.domain.conversation.model import Mention
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Bump, Change, Drop, Put
from hongyan.domain.log.ports import Records
from hongyan.kernel.errors import LimitReached
from hongyan.kernel.ids import ConversationId, LogId, UserId

from .commands import MayNotSpeak
from .model import Content
from .rules import Mentioned, mentioned
from .send_contexts import SendContext

MENTIONS_MAX = 50
SEQS_KEPT = 20


class Mentioning:
    """Finds what a message's mentions change; commits nothing itself.

    Only active members are mentioned; others, and oneself, are passed over. Mentioning
    everybody writes no row for anybody: the group remembers the seq. That rewrites the
    ``Group``, hence touches the conversation's log.

    Args:
        records: Who is a member.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def changes_for(self, context: SendContext, content: Content) -> tuple[Change, ...]:
        """Return the changes that go into the commit whose first append is the message.

        Raises:
            MayNotSpeak: the sender's role may not mention everybody.
            LimitReached: more than 50 people are mentioned.
        """
        names = mentioned(content)
        changes: list[Change] = [
            Put(_row(context, user_id, 0), seq_field="seq")
            for user_id in sorted(await self._people(context, names))
        ]
        if names.all and context.group is not None:
            _check_may_mention_all(context, context.group)
            newest = context.group.mention_all_seqs[1 - SEQS_KEPT :]
            changes += _remember(context.group, newest, "mention_all_seqs")
        return tuple(changes)

    async def changes_by_edit(
        self, context: SendContext, seq: int, old: Content, new: Content
    ) -> tuple[Change, ...]:
        """Return what follows when the message at ``seq`` no longer says ``old`` but ``new``.

        Who was mentioned before and has read it is not called again.

        Raises:
            MayNotSpeak, LimitReached: as ``changes_for``.
        """
        where = context.conversation_id
        before, after = mentioned(old), mentioned(new)
        if before == after:
            return ()
        people = await self._people(context, after)
        called = people - await self._people(context, before)
        changes: list[Change] = [Put(_row(context, user_id, seq)) for user_id in sorted(called)]
        drops = await self._drops(where, seq)
        changes += [drop for drop in drops if drop.key[0] not in people]
        if after.all and not before.all and context.group is not None:
            _check_may_mention_all(context, context.group)
            seqs = sorted({*context.group.mention_all_seqs, seq})[-SEQS_KEPT:]
            changes += _remember(context.group, tuple(seqs))
        elif not after.all:
            changes += _forget_all(context.group, seq)
        return tuple(changes)

    async def changes_by_end(
        self, conversation_id: ConversationId, seq: int, group: Group | None
    ) -> tuple[Change, ...]:
        """Return what follows when the message at ``seq`` is no more."""
        return (*await self._drops(conversation_id, seq), *_forget_all(group, seq))

    async def _people(self, context: SendContext, names: Mentioned) -> set[UserId]:
        where = context.conversation_id
        wanted = set(names.user_ids)
        if len(wanted) > MENTIONS_MAX:
            raise LimitReached("Too many people are mentioned.", limit=MENTIONS_MAX)
        members = await self._records.get_many(Member, [(where, user_id) for user_id in wanted])
        people = {member.user_id for member in members.values() if member.active}
        if names.admins:
            for rank in (2, 1):
                admins = await self._records.scan(
                    Member, where, rank, by="by_rank", limit=MENTIONS_MAX
                )
                people |= {admin.user_id for admin in admins if admin.active}
        return people - {context.member.user_id}

    async def _drops(self, conversation_id: ConversationId, seq: int) -> list[Drop]:
        keys = await self._records.keys(Mention, conversation_id, seq, by="by_message")
        return [Drop(Mention, key) for key in keys]


def _row(context: SendContext, user_id: UserId, seq: int) -> Mention:
    return Mention(user_id=user_id, conversation_id=context.conversation_id, seq=seq)


def _remember(group: Group, seqs: tuple[int, ...], seq_field: str = "") -> list[Change]:
    kept = structs.replace(group, mention_all_seqs=seqs)
    return [Put(kept, seq_field), Bump(LogId(group.conversation_id))]


def _forget_all(group: Group | None, seq: int) -> list[Change]:
    if group is None or seq not in group.mention_all_seqs:
        return []
    return _remember(group, tuple(one for one in group.mention_all_seqs if one != seq))


def _check_may_mention_all(context: SendContext, group: Group) -> None:
    least = group.permissions.mention_all
    if context.member.role.rank < least.rank:
        raise MayNotSpeak("Your role may not mention everybody here.", needs=least)
