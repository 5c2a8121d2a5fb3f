"""Where a process runs: on loopback, or on a host of a network that a test has made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Host:
    """A host.

    Attributes:
        address: Where its processes listen.
        prefix: What stands before a command that shall run there.
        environment: Variables that its processes get beside our own.
    """

    address: str = "127.0.0.1"
    prefix: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


LOOPBACK = Host()
