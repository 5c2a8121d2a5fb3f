"""Recalling: a message is taken back for everybody, and its content is gone.

What quotes a message keeps its place and sender only (``Quote``), search and exports read the
log, and of the entries of its edits none keeps a text: so nothing is left to find.
"""

from hongyan.domain.log.model import Commit
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock

from .commands import Noted, RecallMessage
from .model import MESSAGE_RECALLED, MessageBody, MessageRecalled
from .removal import Removal
from .rules import DEFAULT_WINDOWS, Windows, check_may_recall
from .targets import Target, Targets


class Recalling:
    """Answers ``message.recall``.

    Args:
        clock: The time of day.
        targets: Finds messages.
        removal: What goes with a message.
        windows: For how long who may recall.
    """

    def __init__(
        self, clock: Clock, targets: Targets, removal: Removal, windows: Windows = DEFAULT_WINDOWS
    ) -> None:
        self._clock = clock
        self._targets = targets
        self._removal = removal
        self._windows = windows

    @handles(RecallMessage)
    async def recall(self, actor: Actor, command: RecallMessage) -> Noted:
        """Answer ``RecallMessage``."""

        async def attempt(target: Target) -> Commit:
            if target.body.content is None:
                return Commit()
            entry, context, now_ms = target.entry, target.context, self._clock.now_ms()
            rank = await self._targets.rank_of(context.conversation_id, entry.sender)
            check_may_recall(context, entry.sender, rank, entry.sent_at_ms, now_ms, self._windows)
            left = MessageBody(None, version=target.body.version, recalled_by=actor.user_id)
            changes = await self._removal.changes(entry, left, context.group)
            body = target.append(MESSAGE_RECALLED, MessageRecalled(entry.seq), now_ms)
            return Commit((body,), tuple(changes))

        noted = await self._targets.change(actor, command.conversation_id, command.seq, attempt)
        await self._removal.sweep(command.conversation_id, command.seq)
        return noted
