"""The routes inside one process: whoever commits holds the connections too."""

from collections.abc import Callable

from hongyan.delivery.ports import Fact
from hongyan.kernel.ids import UserId


class LocalRoutes:
    """The ``Teller`` and the ``Station`` of a process that is its own cluster."""

    def __init__(self) -> None:
        self._on_fact: Callable[[Fact], None] = lambda _: None
        self._on_doubt: Callable[[], None] = lambda: None

    def tell(self, fact: Fact) -> None:
        """See ``Teller.tell``: the station has it when this returns."""
        self._on_fact(fact)

    def doubt(self) -> None:
        """See ``Teller.doubt``."""
        self._on_doubt()

    async def start(
        self,
        on_fact: Callable[[Fact], None] | None = None,
        on_doubt: Callable[[], None] = lambda: None,
    ) -> None:
        """See ``Teller.start`` and ``Station.start``."""
        if on_fact is not None:
            self._on_fact = on_fact
            self._on_doubt = on_doubt

    async def came(self, user_id: UserId) -> None:
        """See ``Station.came``."""

    def went(self, user_id: UserId) -> None:
        """See ``Station.went``."""

    async def close(self) -> None:
        """See ``Teller.close`` and ``Station.close``."""
