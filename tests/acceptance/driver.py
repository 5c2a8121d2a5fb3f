"""The driver of acceptance scripts: a server, and people's devices on it.

Whoever can do this can run the plays: another protocol, another kind of server.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol


class RefusedByServer(Exception):
    """The server refused; ``code`` is the native protocol's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Target:
    """Where something is said: with a person, or in a group."""

    name: str
    is_group: bool


@dataclass(frozen=True)
class Line:
    """A message as a device shows it."""

    sender: str
    text: str
    """``(recalled)`` when it is."""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    is_edited: bool = False


class Device(Protocol):
    """One device of one person. Everything that the server refuses raises ``RefusedByServer``."""

    async def connect(self) -> None:
        """Connect and catch up."""
        ...

    async def disconnect(self) -> None:
        """Vanish; what was stored stays on the device."""
        ...

    async def say(self, target: Target, text: str, mentions: list[str], quotes: str) -> None:
        """Send; return when the server has it, or at once while disconnected."""
        ...

    async def next_received(self, target: Target) -> Line:
        """Wait for the next message of others that was not taken yet."""
        ...

    async def history(self, target: Target) -> list[Line]:
        """Return all messages as they stand now, oldest first."""
        ...

    async def archive(self, target: Target) -> list[Line]:
        """Return the messages that the server shows to who has kept none, without reactions."""
        ...

    async def heard(self, target: Target, text: str) -> bool:
        """Return whether the text stands in anything that this device keeps of the place."""
        ...

    async def counts(self, target: Target) -> tuple[int, int]:
        """Return how many messages, and mentions, are unread."""
        ...

    async def read(self, target: Target) -> None:
        """Mark all as read."""
        ...

    async def change(self, what: str, target: Target, text: str, **more: Any) -> None:
        """``edit``, ``recall``, ``react`` to the latest message with this text."""
        ...

    async def act(self, what: str, **params: Any) -> None:
        """Do something to a group (``group.invite``) or a person (``relation.block``)."""
        ...

    async def settle(self) -> None:
        """Return when all that the server had to say to this device so far has come."""
        ...

    async def goodbye(self) -> str:
        """Wait until the server has logged this device out, and return the reason."""
        ...


class Driver(Protocol):
    """The world of one play."""

    async def add_user(self, name: str) -> None:
        """Make an account."""
        ...

    def device(self, user: str, label: str) -> Device:
        """Return a device of the user, logged in or not yet."""
        ...

    async def restart(self, *, kill: bool) -> None:
        """Stop or kill the server and start it again."""
        ...


class TestServer(Protocol):
    """Where plays are performed: one server, or a cluster."""

    url: str

    async def add_user(self, handle: str, password: str, name: str = "") -> str:
        """Make an account, and return its user id."""
        ...

    def change_shift(self, *, kill: bool) -> None:
        """Stop or kill what runs, and start it again."""
        ...
