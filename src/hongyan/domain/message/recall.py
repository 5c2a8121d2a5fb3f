"""Recalling: a message is taken back for everybody, and its content is gone.

What quotes a message keeps its place and sender only (``Quote``), search and exports read the
log, and of the entries that told its edits none keeps a text: so nothing is left to find.
"""

from hongyan.domain.log.model import Commit
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock

from .api import Noted, RecallMessage
from .ending import Ending
from .model import MESSAGE_RECALLED, MessageBody, MessageRecalled
from .rules import DEFAULT_WINDOWS, Windows, check_may_recall
from .targets import Target, Targets


class Recalling:
    """Answers ``message.recall``.

    Args:
        clock: The time of day.
        targets: Finds messages.
        ending: What goes with a message.
        windows: For how long who may recall.
    """

    def __init__(
        self, clock: Clock, targets: Targets, ending: Ending, windows: Windows = DEFAULT_WINDOWS
    ) -> None:
        self._clock = clock
        self._targets = targets
        self._ending = ending
        self._windows = windows

    @handles(RecallMessage)
    async def recall(self, actor: Actor, command: RecallMessage) -> Noted:
        """Answer ``RecallMessage``."""

        async def attempt(target: Target) -> Commit:
            if target.body.content is None:
                return Commit()
            entry, room, now_ms = target.entry, target.room, self._clock.now_ms()
            rank = await self._targets.rank_of(room.conversation_id, entry.sender)
            check_may_recall(room, entry.sender, rank, entry.sent_at_ms, now_ms, self._windows)
            left = MessageBody(None, version=target.body.version, recalled_by=actor.user_id)
            changes = await self._ending.changes(entry, left, room.group)
            told = target.tell(MESSAGE_RECALLED, MessageRecalled(entry.seq), now_ms)
            return Commit((told,), tuple(changes))

        noted = await self._targets.change(actor, command.conversation_id, command.seq, attempt)
        await self._ending.sweep(command.conversation_id, command.seq)
        return noted
