"""Carries batches inside one process: calls are calls."""

from collections.abc import Callable, Collection

from hongyan.delivery.routes.ports import Unanswered


class LocalNetwork:
    """The network of the transports of one process."""

    def __init__(self) -> None:
        self.transports: list[LocalTransport] = []
        self.is_cut = False

    def cut(self) -> None:
        """Lose what is sent from now on."""
        self.is_cut = True

    def mend(self) -> None:
        """Carry again."""
        self.is_cut = False
        for transport in self.transports:
            transport.on_possible_loss()

    def deliver(self, subject: str, payload: bytes) -> int:
        """Hand on to those who listen; return how many did."""
        if self.is_cut:
            return 0
        takers = [transport for transport in self.transports if subject in transport.subjects]
        for transport in takers:
            transport.on_payload(subject, payload)
        return len(takers)


class LocalTransport:
    """The ``Transport`` and the ``Requester`` on a ``LocalNetwork``."""

    def __init__(self, wire: LocalNetwork) -> None:
        self._wire = wire
        self.subjects: set[str] = set()
        self.on_payload: Callable[[str, bytes], None] = lambda _subject, _payload: None
        self.on_possible_loss: Callable[[], None] = lambda: None

    async def start(
        self, on_payload: Callable[[str, bytes], None], on_possible_loss: Callable[[], None]
    ) -> None:
        """See ``Transport.start``."""
        if self._wire.is_cut:
            raise OSError("the wire is cut")
        self.on_payload, self.on_possible_loss = on_payload, on_possible_loss
        self._wire.transports.append(self)

    async def send(self, subject: str, payload: bytes) -> bool:
        """See ``Transport.send``."""
        self._wire.deliver(subject, payload)
        return True

    async def listen(self, subjects: Collection[str]) -> None:
        """See ``Transport.listen``."""
        self.subjects.update(subjects)

    def unlisten(self, subjects: Collection[str]) -> None:
        """See ``Transport.unlisten``."""
        self.subjects.difference_update(subjects)

    async def ask(self, subject: str, payload: bytes, timeout_s: float) -> None:
        """See ``Requester.ask``."""
        if not self._wire.deliver(subject, payload):
            raise Unanswered(f"nobody listens at {subject}")

    async def close(self) -> None:
        """See ``Transport.close``."""
        if self in self._wire.transports:
            self._wire.transports.remove(self)
