"""What a station knows of the tellers: how far each has come, and whether it lives."""

from collections.abc import Callable, Container

from .parcel import Beat, Parcel

SILENCE_BEATS = 4
"""A teller that misses so many beats has died, perhaps with facts that it had yet to tell."""


class _Known:
    """What is known of one teller."""

    __slots__ = ("heard_s", "numbers", "overflows")

    def __init__(self, heard_s: float) -> None:
        self.heard_s = heard_s
        self.overflows = 0
        self.numbers: dict[str, int] = {}


class Tellers:
    """Notices what did not arrive.

    Args:
        now_s: A clock that never goes back.
        beat_s: How often tellers beat.
    """

    def __init__(self, now_s: Callable[[], float], beat_s: float) -> None:
        self._now_s = now_s
        self._silence_s = beat_s * SILENCE_BEATS
        self._known: dict[str, _Known] = {}

    def took(self, subject: str, parcel: Parcel) -> tuple[bool, bool]:
        """Note a parcel; return whether it is new, and whether others before it are missing."""
        known = self._of(parcel.teller)
        if not parcel.number:
            return True, False
        last = known.numbers.get(subject)
        if last is not None and parcel.number <= last:
            return False, False
        known.numbers[subject] = parcel.number
        return True, last is not None and parcel.number > last + 1

    def beaten(self, beat: Beat, listened: Container[str]) -> bool:
        """Note a beat; return whether something is missing.

        Args:
            beat: The beat.
            listened: The subjects that are listened to.
        """
        known = self._of(beat.teller)
        is_missing = beat.overflows > known.overflows
        known.overflows = beat.overflows
        for subject, number in beat.numbers.items():
            if subject in listened:
                last = known.numbers.get(subject)
                is_missing |= last is not None and number > last
                known.numbers[subject] = max(number, last or 0)
        if beat.is_last:
            del self._known[beat.teller]
        return is_missing

    def forget(self, subject: str) -> None:
        """It is not listened to any more: what is missed there from now on is no loss."""
        for known in self._known.values():
            known.numbers.pop(subject, None)

    def silent(self) -> bool:
        """Forget tellers that died; return whether there were any."""
        earliest_s = self._now_s() - self._silence_s
        dead = [name for name, known in self._known.items() if known.heard_s < earliest_s]
        for name in dead:
            del self._known[name]
        return bool(dead)

    def excuse(self) -> None:
        """It was we who could not hear: silence begins to count now."""
        now_s = self._now_s()
        for known in self._known.values():
            known.heard_s = now_s

    def _of(self, name: str) -> _Known:
        known = self._known.get(name)
        now_s = self._now_s()
        if known is None:
            known = self._known[name] = _Known(now_s)
        known.heard_s = now_s
        return known
