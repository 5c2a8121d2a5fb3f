"""Polls: they are sent as messages; here they are voted on and closed."""

from msgspec import structs

from hongyan.domain.log.model import Change, Commit, Drop, Put
from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Forbidden, Invalid, NotFound
from hongyan.kernel.ids import SYSTEM
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .commands_metadata import (
    Choice,
    Choices,
    ClosePoll,
    ListVotes,
    PollEnded,
    PollTally,
    VotePoll,
)
from .metadata import load_metadata, put_metadata
from .model import POLL_CLOSED, POLL_VOTED, Poll, PollClosed, PollVoted
from .rows import MessageMetadata, Vote
from .targets import Target, Targets


class Polling:
    """Answers ``poll.vote``, ``poll.close`` and ``poll.votes``.

    Votes are sent with the tallies. Who chose what in an anonymous poll is stored, so that a
    choice can be replaced, and shown to nobody.

    Args:
        records: The votes.
        clock: The time of day.
        targets: Finds messages.
    """

    def __init__(self, records: Records, clock: Clock, targets: Targets) -> None:
        self._records = records
        self._clock = clock
        self._targets = targets

    @handles(VotePoll)
    async def vote(self, actor: Actor, command: VotePoll) -> PollTally:
        """Answer ``VotePoll``."""
        metadata = MessageMetadata(conversation_id=command.conversation_id, seq=command.seq)

        async def attempt(target: Target) -> Commit:
            nonlocal metadata
            poll, now_ms = _poll(target), self._clock.now_ms()
            metadata = await self._load(target, poll)
            key = (command.conversation_id, command.seq, actor.user_id)
            former = await self._records.get(Vote, *key)
            before = () if former is None else former.choice
            choice = tuple(sorted(command.choice))
            if choice == before:
                return Commit()
            _check_choice(poll, choice)
            if metadata.poll_closed or 0 < poll.closes_at_ms <= now_ms:
                raise PollEnded
            metadata = _counted(metadata, before, choice)
            change: Change = Drop(Vote, key)
            if choice:
                change = Put(
                    Vote(conversation_id=key[0], seq=key[1], user_id=key[2], choice=choice)
                )
            body = PollVoted(
                command.seq, metadata.tallies, metadata.voters, None if poll.anonymous else choice
            )
            sender = SYSTEM if poll.anonymous else actor.user_id
            return Commit(
                (target.append(POLL_VOTED, body, now_ms, sender),), (change, put_metadata(metadata))
            )

        noted = await self._targets.change(actor, command.conversation_id, command.seq, attempt)
        return PollTally(noted.entry_seq, metadata.tallies, metadata.voters)

    @handles(ClosePoll)
    async def close(self, actor: Actor, command: ClosePoll) -> PollTally:
        """Answer ``ClosePoll``."""
        metadata = MessageMetadata(conversation_id=command.conversation_id, seq=command.seq)

        async def attempt(target: Target) -> Commit:
            nonlocal metadata
            poll = _poll(target)
            await self._check_may_close(target)
            metadata = await self._load(target, poll)
            if metadata.poll_closed:
                return Commit()
            metadata = structs.replace(metadata, poll_closed=True)
            body = PollClosed(command.seq, metadata.tallies, metadata.voters)
            return Commit(
                (target.append(POLL_CLOSED, body, self._clock.now_ms()),), (put_metadata(metadata),)
            )

        noted = await self._targets.change(actor, command.conversation_id, command.seq, attempt)
        return PollTally(noted.entry_seq, metadata.tallies, metadata.voters)

    async def _load(self, target: Target, poll: Poll) -> MessageMetadata:
        metadata = await load_metadata(self._records, target)
        return structs.replace(metadata, tallies=metadata.tallies or (0,) * len(poll.options))

    async def _check_may_close(self, target: Target) -> None:
        context, sender = target.context, target.entry.sender
        if sender == context.member.user_id:
            return
        rank = context.member.role.rank
        if rank == 0 or rank <= await self._targets.rank_of(context.conversation_id, sender):
            raise Forbidden("Only its author, or an admin of a higher rank, closes a poll.")

    @handles(ListVotes)
    async def votes(self, actor: Actor, command: ListVotes) -> Choices:
        """Answer ``ListVotes``."""
        check_page(command.limit)
        target = await self._targets.see(actor, command.conversation_id, command.seq)
        if _poll(target).anonymous:
            raise Forbidden("This poll is anonymous.")
        found = await self._records.scan(
            Vote,
            command.conversation_id,
            command.seq,
            after=read_page_token(command.after, str),
            limit=command.limit + 1,
        )
        page = found[: command.limit]
        following = write_page_token(page[-1].user_id) if len(found) > command.limit else ""
        return Choices(tuple(Choice(row.user_id, row.choice) for row in page), following)


def _poll(target: Target) -> Poll:
    content = target.content()
    if not isinstance(content, Poll):
        raise NotFound("This message is not a poll.")
    return content


def _check_choice(poll: Poll, choice: tuple[int, ...]) -> None:
    if len(set(choice)) < len(choice):
        raise Invalid("An option is named twice.")
    if any(not 0 <= conversation_id < len(poll.options) for conversation_id in choice):
        raise Invalid("There is no such option.")
    if len(choice) > 1 and not poll.multiple:
        raise Invalid("Only one option may be chosen.")


def _counted(
    metadata: MessageMetadata, before: tuple[int, ...], choice: tuple[int, ...]
) -> MessageMetadata:
    """Return the marks once ``before`` is replaced by ``choice``."""
    tallies = list(metadata.tallies)
    for conversation_id in before:
        tallies[conversation_id] -= 1
    for conversation_id in choice:
        tallies[conversation_id] += 1
    voters = metadata.voters + bool(choice) - bool(before)
    return structs.replace(metadata, tallies=tuple(tallies), voters=voters)
