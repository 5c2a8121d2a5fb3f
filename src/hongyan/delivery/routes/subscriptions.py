"""Reference-counted subscriptions to subjects."""

import asyncio
from collections.abc import Callable, Collection

from .ports import Transport

LINGER_S = 10.0
"""A subject that nobody needs any more is listened to for so long: people come back."""


class Subscriptions:
    """Counts who needs a subject, and listens while anybody does.

    Args:
        transport: Where to listen.
        now_s: A clock that never goes back.
        linger_s: How long a subject is kept that nobody needs.
    """

    def __init__(
        self, transport: Transport, now_s: Callable[[], float], linger_s: float = LINGER_S
    ) -> None:
        self.subjects: dict[str, int] = {}
        """Subject -> how many need it."""
        self.on_end: Callable[[str], None] = lambda _subject: None
        """Called with a subject that is listened to no more."""
        self._transport = transport
        self._now_s = now_s
        self._linger_s = linger_s
        self._unneeded: dict[str, float] = {}
        self._beginning: dict[str, asyncio.Task[None]] = {}

    async def acquire(self, subjects: Collection[str]) -> None:
        """Need these; they are listened to when this returns."""
        fresh = []
        for subject in subjects:
            count = self.subjects.get(subject)
            if count is None:
                fresh.append(subject)
            self.subjects[subject] = (count or 0) + 1
            self._unneeded.pop(subject, None)
        if fresh:
            task = asyncio.get_running_loop().create_task(self._listen(fresh))
            self._beginning |= dict.fromkeys(fresh, task)
        waiting = {self._beginning[each] for each in subjects if each in self._beginning}
        if waiting:  # others may have begun with the same a moment ago
            await asyncio.wait(waiting)

    async def _listen(self, subjects: Collection[str]) -> None:
        try:
            await self._transport.listen(subjects)
        finally:
            for subject in subjects:
                self._beginning.pop(subject, None)

    def release(self, subjects: Collection[str]) -> None:
        """Need these no more."""
        until_s = self._now_s() + self._linger_s
        for subject in subjects:
            count = self.subjects[subject] = self.subjects[subject] - 1
            if not count:
                self._unneeded[subject] = until_s

    def sweep(self) -> None:
        """Stop listening where nobody has needed it for a while; call it now and then."""
        now_s = self._now_s()
        ended = []
        for subject, until_s in self._unneeded.items():
            if until_s > now_s:
                break
            ended.append(subject)
        for subject in ended:
            del self._unneeded[subject], self.subjects[subject]
            self.on_end(subject)
        if ended:
            self._transport.unlisten(ended)
