"""Work behind an answer, for services that have no tasks of their own."""

from collections.abc import Coroutine
from typing import Any, Protocol


class Background(Protocol):
    """Does work behind the answer; the process waits for it before it ends."""

    @property
    def pending(self) -> int:
        """The number of works that have not come to their end."""
        ...

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin it; returns at once. It deals with refusals itself."""
        ...

    async def give_way(self) -> None:
        """Let what waits for its turn go first: commits, answers."""
        ...
