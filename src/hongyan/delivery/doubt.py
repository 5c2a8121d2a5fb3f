"""When facts may have been lost on the way to this node: its sessions sync, not all at once."""

from collections import deque
from collections.abc import Callable
from typing import Any

from hongyan.domain.conversation.presence_api import AskToSync
from hongyan.kernel.bus import DONE, Actor, Done, handles

from .hub import Hub
from .ports import Peer

PER_S = 400
"""How many sessions are asked in one second: each asks a backend for what it lacks."""
STEP_S = 0.05


class Doubt:
    """Asks every session to sync; answers ``connection.ask_to_sync``.

    Args:
        hub: The sessions.
        later: Calls a function after so many seconds (``loop.call_later``).
        per_s: How many are asked in one second.

    Attributes:
        arisen: How often there was doubt.
    """

    def __init__(
        self,
        hub: Hub,
        later: Callable[[float, Callable[[], None]], Any],
        per_s: int = PER_S,
    ) -> None:
        self._hub = hub
        self._later = later
        self._at_once = max(1, int(per_s * STEP_S))
        self._waiting: deque[Peer] = deque()
        self._is_asking = False
        self.arisen = 0

    def arise(self) -> None:
        """Facts may have been lost: ask all who are connected now, the first of them at once."""
        self.arisen += 1
        self._waiting = deque(self._hub.peers())
        if not self._is_asking:
            self._is_asking = True
            self._ask()

    def _ask(self) -> None:
        for _ in range(min(self._at_once, len(self._waiting))):
            self._waiting.popleft().ask_to_sync()
        if self._waiting:
            self._later(STEP_S, self._ask)
        else:
            self._is_asking = False

    @handles(AskToSync)
    async def ask_all(self, _actor: Actor, _command: AskToSync) -> Done:
        """Answer ``AskToSync``."""
        self.arise()
        return DONE
