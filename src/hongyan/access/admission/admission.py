"""Lets requests through, whatever protocol they come by."""

from hongyan.kernel.bus import ANONYMOUS, Actor, Command, Result
from hongyan.kernel.ids import DeviceId, UserId

from .guest import Guest, Speaker
from .rights import OPERATOR
from .shared import Shared


class Admission(Shared):
    """Takes in those who ask at one process; see ``Shared`` for what it is made of."""

    def connect(self, address: str, speaker: Speaker | None = None) -> Guest:
        """Return somebody who came from this address, and is a stranger still.

        Args:
            address: The peer's network address.
            speaker: Speaks the protocol of a connection; None for one that asks by ``call``.
        """
        return Guest(self, Actor(UserId(""), DeviceId(""), address=address), speaker)

    def operator(self) -> Guest:
        """Return who works on the server's own machine: nobody counts what that one asks."""
        return Guest(self, OPERATOR, None)

    async def serve(self, command: Command[Result]) -> Result:
        """Carry a command that the server itself needs to answer a request, in nobody's name."""
        return await self.caller.call(ANONYMOUS, command)

    async def close(self) -> None:
        """End what is under way."""
        await self.live.close()
