"""Carries parcels inside one process: calls are calls."""

from collections.abc import Callable, Collection

from hongyan.delivery.routes.ports import Unanswered


class LocalWire:
    """What the carriers of a process have in common."""

    def __init__(self) -> None:
        self.carriers: list[LocalCarrier] = []
        self.is_cut = False

    def cut(self) -> None:
        """Lose what is sent from now on."""
        self.is_cut = True

    def mend(self) -> None:
        """Carry again."""
        self.is_cut = False
        for carrier in self.carriers:
            carrier.on_doubt()

    def carry(self, subject: str, payload: bytes) -> int:
        """Hand on to those who listen; return how many did."""
        if self.is_cut:
            return 0
        takers = [carrier for carrier in self.carriers if subject in carrier.subjects]
        for carrier in takers:
            carrier.on_payload(subject, payload)
        return len(takers)


class LocalCarrier:
    """The ``Carrier`` and the ``Asker`` on a ``LocalWire``."""

    def __init__(self, wire: LocalWire) -> None:
        self._wire = wire
        self.subjects: set[str] = set()
        self.on_payload: Callable[[str, bytes], None] = lambda _subject, _payload: None
        self.on_doubt: Callable[[], None] = lambda: None

    async def start(
        self, on_payload: Callable[[str, bytes], None], on_doubt: Callable[[], None]
    ) -> None:
        """See ``Carrier.start``."""
        if self._wire.is_cut:
            raise OSError("the wire is cut")
        self.on_payload, self.on_doubt = on_payload, on_doubt
        self._wire.carriers.append(self)

    async def send(self, subject: str, payload: bytes) -> bool:
        """See ``Carrier.send``."""
        self._wire.carry(subject, payload)
        return True

    async def listen(self, subjects: Collection[str]) -> None:
        """See ``Carrier.listen``."""
        self.subjects.update(subjects)

    def unlisten(self, subjects: Collection[str]) -> None:
        """See ``Carrier.unlisten``."""
        self.subjects.difference_update(subjects)

    async def ask(self, subject: str, payload: bytes, timeout_s: float) -> None:
        """See ``Asker.ask``."""
        if not self._wire.carry(subject, payload):
            raise Unanswered(f"nobody listens at {subject}")

    async def close(self) -> None:
        """See ``Carrier.close``."""
        if self in self._wire.carriers:
            self._wire.carriers.remove(self)
