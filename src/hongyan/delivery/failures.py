"""Handling of peers to which an event could not be handed.

A peer that fails alone is asked to sync, and closed when it fails again soon: it comes back and
syncs. Where an encoder failed for all who share it they are asked to sync and nothing more, for
closing them would not mend it.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from hongyan.domain.log.model import Entry, Signal

from .fanout import Failed
from .ports import Peer
from .resyncs import Resyncs, close

log = logging.getLogger(__name__)

AGAIN_S = 60.0
"""A peer that fails again within so long is closed."""
LOG_AGAIN_S = 10.0
"""The same failure, of one kind of event, is logged once in so long."""
LOGGED_MAX = 1_000
ASKED_MAX = 100_000


class Failures:
    """Mends, logs and counts.

    Args:
        resyncs: Asks peers to sync.
        now_s: A clock that never goes back.

    Attributes:
        count: How often an event could not be handed to a peer.
    """

    def __init__(self, resyncs: Resyncs, now_s: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._resyncs = resyncs
        self._now_s = now_s
        self._asked_s: OrderedDict[Peer, float] = OrderedDict()
        self._logged_s: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(self, event: Entry | Signal, failed: Failed) -> None:
        """See to those who did not get an event; never raises."""
        self.count += len(failed.alone) + len(failed.together)
        now_s = self._now_s()
        self._log(event, failed, now_s)
        lost: dict[Peer, None] = {}
        for peer in (*failed.alone, *failed.together):
            asked_s = self._asked_s.get(peer)
            if asked_s is None or now_s - asked_s > AGAIN_S:
                self._asked_s[peer] = now_s
                if len(self._asked_s) > ASKED_MAX:
                    self._asked_s.popitem(last=False)
                lost[peer] = None
            elif peer in failed.alone:
                close(peer)
        self._resyncs.ask(lost)

    def forget(self, peer: Peer) -> None:
        """The peer is gone."""
        self._asked_s.pop(peer, None)

    def _log(self, event: Entry | Signal, failed: Failed, now_s: float) -> None:
        peer, error = next(iter((failed.alone or failed.together).items()))
        key = (event.kind, type(error).__name__)
        if now_s - self._logged_s.get(key, -LOG_AGAIN_S) < LOG_AGAIN_S:
            return
        self._logged_s.pop(key, None)
        self._logged_s[key] = now_s
        if len(self._logged_s) > LOGGED_MAX:
            self._logged_s.popitem(last=False)
        log.error(
            "a %s of %s could not be handed to %d devices",
            event.kind,
            event.log_id,
            len(failed.alone) + len(failed.together),
            exc_info=error,
            extra={
                "seq": event.seq if isinstance(event, Entry) else 0,
                "user": peer.user_id,
                "device": peer.device_id,
                "connection": peer.connection_id,
            },
        )
