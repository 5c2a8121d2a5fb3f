"""Who leads, among parts of one process."""

from collections.abc import Callable, MutableMapping

Holders = MutableMapping[str, tuple[str, float]]
"""By work: who leads, and until when."""


class LocalLeadership:
    """The ``Leadership`` of one kind of work.

    Args:
        holders: Shared by all who may lead.
        work: What is led.
        me: Who claims.
        term_s: How long it lasts without being renewed.
        now_s: A clock that never goes back.
    """

    def __init__(
        self, holders: Holders, work: str, me: str, term_s: float, now_s: Callable[[], float]
    ) -> None:
        self._holders = holders
        self._work = work
        self._me = me
        self._term_s = term_s
        self._now_s = now_s

    async def claim(self) -> bool:
        """See ``Leadership.claim``."""
        holder, until_s = self._holders.get(self._work, ("", 0.0))
        if holder not in ("", self._me) and self._now_s() < until_s:
            return False
        self._holders[self._work] = (self._me, self._now_s() + self._term_s)
        return True

    async def resign(self) -> None:
        """See ``Leadership.resign``."""
        if self._holders.get(self._work, ("", 0.0))[0] == self._me:
            del self._holders[self._work]
