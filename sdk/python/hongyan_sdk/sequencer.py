"""Entries of one log, in whatever order they come, into the order of the log."""

from .models import Entry


class Sequencer:
    """Holds back what came too early; hands on each seq once, in order.

    Args:
        tip: Everything up to this seq was handed on before.
    """

    def __init__(self, tip: int) -> None:
        self.tip = tip
        self._held: dict[int, Entry] = {}
        self._known = tip

    @property
    def missing(self) -> tuple[int, int] | None:
        """The first run of seqs (first, last) that are known to exist and have not come."""
        if self._known <= self.tip:
            return None
        last = min(self._held) - 1 if self._held else self._known
        return self.tip + 1, last

    def expect(self, seq: int) -> None:
        """Note that the log has come this far, without the entries themselves."""
        self._known = max(self._known, seq)

    def offer(self, entry: Entry) -> list[Entry]:
        """Take an entry and return those that are now in order; one seen before is dropped."""
        if entry.seq <= self.tip:
            return []
        self.expect(entry.seq)
        self._held.setdefault(entry.seq, entry)
        return self._release()

    def skip(self, seq: int) -> list[Entry]:
        """Give up the missing seqs up to this one: they are not ours to see.

        Returns:
            The held entries that come before and right after, now in order.
        """
        before = [self._held.pop(at) for at in sorted(self._held) if at <= seq]
        self.tip = max(self.tip, seq)
        self.expect(self.tip)
        return before + self._release()

    def _release(self) -> list[Entry]:
        ready = []
        while self.tip + 1 in self._held:
            self.tip += 1
            ready.append(self._held.pop(self.tip))
        return ready
