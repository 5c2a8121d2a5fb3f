"""Loss detection: a subscriber's state of each publisher."""

from collections.abc import Callable, Container

from .batch import EventBatch, Heartbeat

SILENCE_HEARTBEATS = 4
"""A publisher that misses so many heartbeats has died, perhaps with events still to publish."""


class _Known:
    """The state of one publisher."""

    __slots__ = ("numbers", "overflows", "received_s")

    def __init__(self, received_s: float) -> None:
        self.received_s = received_s
        self.overflows = 0
        self.numbers: dict[str, int] = {}


class LossDetector:
    """Notices what did not arrive.

    Args:
        now_s: A clock that never goes back.
        heartbeat_s: Seconds between the heartbeats of a publisher.
    """

    def __init__(self, now_s: Callable[[], float], heartbeat_s: float) -> None:
        self._now_s = now_s
        self._silence_s = heartbeat_s * SILENCE_HEARTBEATS
        self._known: dict[str, _Known] = {}

    def received(self, subject: str, batch: EventBatch) -> tuple[bool, bool]:
        """Note a batch; return whether it is new, and whether others before it are missing."""
        known = self._of(batch.publisher)
        if not batch.number:
            return True, False
        last = known.numbers.get(subject)
        if last is not None and batch.number <= last:
            return False, False
        known.numbers[subject] = batch.number
        return True, last is not None and batch.number > last + 1

    def heartbeat(self, heartbeat: Heartbeat, listened: Container[str]) -> bool:
        """Note a heartbeat; return whether something is missing.

        Args:
            heartbeat: The heartbeat.
            listened: The subjects that are listened to.
        """
        known = self._of(heartbeat.publisher)
        is_missing = heartbeat.overflows > known.overflows
        known.overflows = heartbeat.overflows
        for subject, number in heartbeat.numbers.items():
            if subject in listened:
                last = known.numbers.get(subject)
                is_missing |= last is not None and number > last
                known.numbers[subject] = max(number, last or 0)
        if heartbeat.is_last:
            del self._known[heartbeat.publisher]
        return is_missing

    def forget(self, subject: str) -> None:
        """Forget a subject that is not listened to any more: what is missed there is no loss."""
        for known in self._known.values():
            known.numbers.pop(subject, None)

    def silent(self) -> bool:
        """Forget publishers that died; return whether there were any."""
        earliest_s = self._now_s() - self._silence_s
        dead = [name for name, known in self._known.items() if known.received_s < earliest_s]
        for name in dead:
            del self._known[name]
        return bool(dead)

    def excuse(self) -> None:
        """Count silence from now on: it was this node that could not receive."""
        now_s = self._now_s()
        for known in self._known.values():
            known.received_s = now_s

    def _of(self, name: str) -> _Known:
        known = self._known.get(name)
        now_s = self._now_s()
        if known is None:
            known = self._known[name] = _Known(now_s)
        known.received_s = now_s
        return known
