"""Asking peers to sync because events may not have reached them: not all at once."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from .ports import Peer

log = logging.getLogger(__name__)

PER_S = 400
"""Peers that are asked in one second: each asks a backend for what it lacks."""
STEP_S = 0.05


class Resyncs:
    """Peers that are to be asked, the first of them at once.

    Args:
        later: Calls a function after so many seconds (``loop.call_later``).
        per_s: How many are asked in one second.
    """

    def __init__(
        self, later: Callable[[float, Callable[[], None]], Any], per_s: int = PER_S
    ) -> None:
        self._later = later
        self._at_once = max(1, int(per_s * STEP_S))
        self._waiting: dict[Peer, None] = {}
        self._is_asking = False

    def ask(self, peers: Iterable[Peer]) -> None:
        """Ask these too; who waits already is asked once."""
        self._waiting.update(dict.fromkeys(peers))
        if self._waiting and not self._is_asking:
            self._is_asking = True
            self._ask()

    def _ask(self) -> None:
        for peer in list(self._waiting)[: self._at_once]:
            del self._waiting[peer]
            try:
                peer.ask_to_sync()
            except Exception:
                ids = {"user": peer.user_id, "device": peer.device_id}
                log.exception("a device cannot be asked to sync", extra=ids)
                close(peer)
        if self._waiting:
            self._later(STEP_S, self._ask)
        else:
            self._is_asking = False


def close(peer: Peer) -> None:
    """Close a peer that cannot be helped otherwise; never raises."""
    try:
        peer.close()
    except Exception:
        ids = {"user": peer.user_id, "device": peer.device_id, "connection": peer.connection_id}
        log.exception("a device cannot be closed", extra=ids)
