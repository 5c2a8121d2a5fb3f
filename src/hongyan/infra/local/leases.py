"""Leases among parts of one process."""

from collections.abc import Callable, Collection


class Holders:
    """The holders of leases and the members that take part; shared by all of them."""

    def __init__(self) -> None:
        self.of_work: dict[str, tuple[str, float]] = {}
        """By work: who has it, and until when."""
        self.members: dict[str, float] = {}
        """Until when each one is known to take part."""


class LocalLeases:
    """The ``Leases`` of one part.

    Args:
        holders: Shared by all who take part.
        me: This one.
        term_s: How long a lease lasts without being renewed.
        now_s: A clock that never goes back.
    """

    def __init__(
        self, holders: Holders, me: str, term_s: float, now_s: Callable[[], float]
    ) -> None:
        self._holders = holders
        self._me = me
        self._term_s = term_s
        self._now_s = now_s

    async def meet(self) -> list[str]:
        """See ``Leases.meet``."""
        now_s, members = self._now_s(), self._holders.members
        members[self._me] = now_s + self._term_s
        return [name for name, until_s in members.items() if now_s < until_s]

    async def claim(self, works: Collection[str]) -> set[str]:
        """See ``Leases.claim``."""
        now_s, of_work = self._now_s(), self._holders.of_work
        granted = set()
        for work in works:
            holder, until_s = of_work.get(work, ("", 0.0))
            if holder in ("", self._me) or now_s >= until_s:
                of_work[work] = (self._me, now_s + self._term_s)
                granted.add(work)
        return granted

    async def resign(self, works: Collection[str]) -> None:
        """See ``Leases.resign``."""
        for work in works:
            if self._holders.of_work.get(work, ("", 0.0))[0] == self._me:
                del self._holders.of_work[work]

    async def leave(self) -> None:
        """See ``Leases.leave``."""
        self._holders.members.pop(self._me, None)
