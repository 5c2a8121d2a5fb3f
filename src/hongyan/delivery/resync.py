"""Resync after a possible loss: the node's sessions sync, not all at once."""

from hongyan.domain.conversation.commands_presence import AskToSync
from hongyan.kernel.bus import DONE, Actor, Done, handles

from .hub import Hub
from .resyncs import Resyncs


class Resync:
    """Asks every session to sync; answers ``connection.ask_to_sync``.

    Args:
        hub: The sessions.
        resyncs: Asks them.

    Attributes:
        arisen: How often there was a possible loss.
    """

    def __init__(self, hub: Hub, resyncs: Resyncs) -> None:
        self._hub = hub
        self._resyncs = resyncs
        self.arisen = 0

    def request(self) -> None:
        """Ask all who are connected now, the first of them at once: events may have been lost."""
        self.arisen += 1
        self._resyncs.ask(self._hub.peers())

    @handles(AskToSync)
    async def ask_all(self, _actor: Actor, _command: AskToSync) -> Done:
        """Answer ``AskToSync``."""
        self.request()
        return DONE
