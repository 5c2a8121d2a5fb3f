"""The generation of the logs, for processes that greet devices and do not keep the logs."""

import asyncio
from collections.abc import Callable
from time import monotonic

from hongyan.domain.conversation.commands_archive import GetGeneration
from hongyan.kernel.bus import ANONYMOUS, Caller
from hongyan.kernel.errors import UnknownMethod

KEPT_S = 5.0


class LogGeneration:
    """Asks whoever keeps the logs, not more often than every few seconds.

    The answer may be a few seconds old: ``conversation.sync`` says it for sure.

    Args:
        caller: Carries ``GetGeneration``.
        now_s: A clock that never goes back.
    """

    def __init__(self, caller: Caller, now_s: Callable[[], float] = monotonic) -> None:
        self._caller = caller
        self._now_s = now_s
        self._known = ""
        self._until_s = 0.0
        self._turn = asyncio.Lock()

    async def current(self) -> str:
        """Return it; empty where a server of the release before keeps the logs.

        Raises:
            Refusal: nobody answers.
        """
        if self._now_s() < self._until_s:
            return self._known
        async with self._turn:
            if self._now_s() >= self._until_s:
                try:
                    answer = await self._caller.call(ANONYMOUS, GetGeneration())
                    self._known = answer.generation
                except UnknownMethod:
                    self._known = ""
                self._until_s = self._now_s() + KEPT_S
        return self._known
