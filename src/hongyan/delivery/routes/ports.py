"""The ports of the routes: a transport, and a registry."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct

from hongyan.kernel.ids import LogId, UserId


class Transport(Protocol):
    """Carries payloads from process to process by subject.

    At most once. What one transport sends arrives at another in the order in which it was sent,
    whatever the subjects. Subjects are words of ``A-Z a-z 0-9 _ - =`` joined by dots.
    """

    async def start(
        self, on_payload: Callable[[str, bytes], None], on_possible_loss: Callable[[], None]
    ) -> None:
        """Connect.

        Args:
            on_payload: Called with the subject and what was sent there.
            on_possible_loss: Called when the way here was cut and is whole again: something may
                have been lost.

        Raises:
            OSError: nobody carries.
        """
        ...

    async def send(self, subject: str, payload: bytes) -> bool:
        """Send to all who listen. Never raises.

        Returns:
            False when too much waits already: then it was dropped.
        """
        ...

    async def listen(self, subjects: Collection[str]) -> None:
        """Listen to these too; what is sent from the return on arrives. Never raises.

        While the way is cut it returns as well, and a resync follows.
        """
        ...

    def unlisten(self, subjects: Collection[str]) -> None:
        """Listen to these no more."""
        ...

    async def close(self) -> None:
        """Send what waits, for a moment, and disconnect."""
        ...


class Unanswered(Exception):
    """Nobody took it in time; it may have arrived all the same."""


class Requester(Protocol):
    """Sends, and learns whether it arrived."""

    async def ask(self, subject: str, payload: bytes, timeout_s: float) -> None:
        """Send to the one who listens, and wait until it was taken.

        Raises:
            Unanswered: nobody listens, or nobody answered in time.
        """
        ...


class Follower(Protocol):
    """Makes a subscriber be found: the subscriber's half of a strategy."""

    async def start(self) -> None:
        """Begin; the transport is started."""
        ...

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """Let what concerns these logs come here; it does when this returns. Never raises."""
        ...

    def unfollow(self, log_ids: Collection[LogId]) -> None:
        """Nobody here needs these logs any more."""
        ...

    async def close(self) -> None:
        """Be found no more."""
        ...


class RegistryChanges(Struct, frozen=True):
    """Changes of a registry since a publisher last looked."""

    position: str
    """The position to go on from the next time."""
    is_whole: bool
    """False when the registry was lost or has moved on too far: forget what was kept."""
    age_s: float
    """Seconds since it began to be filled: younger than a lease, it may not know everybody."""
    connected: Sequence[tuple[UserId, str]] = ()
    """Users and the nodes where they are now, too."""
    stale_users: Sequence[UserId] = ()
    """Users who are no longer where they were."""
    stale_logs: Sequence[LogId] = ()
    """Conversations whose members changed."""
    gone_nodes: Sequence[str] = ()
    """Nodes whose lease has ended."""


class NodeRegistry(Protocol):
    """The publishers' side of a registry."""

    async def changes(self, position: str) -> RegistryChanges:
        """Return what changed since ``position``; the empty text starts now.

        Raises:
            OSError: the registry cannot be reached.
        """
        ...

    async def nodes(self, groups: Sequence[Collection[UserId]]) -> Sequence[set[str]]:
        """Return, for each group, the nodes with a lease where any of its users is.

        Raises:
            OSError: the registry cannot be reached.
        """
        ...

    async def members_changed(self, log_ids: Collection[LogId]) -> None:
        """Let all publishers know.

        Raises:
            OSError: the registry cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


class Lease(Protocol):
    """The subscriber's side of a registry, for one node."""

    async def register(self, user_ids: Collection[UserId]) -> None:
        """Say that these users are here.

        Raises:
            OSError: the registry cannot be reached.
        """
        ...

    async def unregister(self, user_ids: Collection[UserId]) -> None:
        """Say that these users are here no more.

        Raises:
            OSError: the registry cannot be reached.
        """
        ...

    async def renew(self) -> bool:
        """Keep the node's lease.

        Returns:
            False when it had ended, or the registry was lost: then register everybody anew.

        Raises:
            OSError: the registry cannot be reached.
        """
        ...

    async def end(self) -> None:
        """Give the lease back; never raises."""
        ...
