"""The first request of a connection, its answer, and that of a ping."""

from msgspec import Struct

from hongyan.kernel.ids import DeviceId, UserId

VERSION = 1


class Hello(Struct, frozen=True, kw_only=True):
    """The first request. ``token`` may be left out when the upgrade carried it as a header."""

    token: str = ""
    protocol: int = VERSION
    client: str = ""


class Welcome(Struct, frozen=True):
    """The answer to hello: who you are and what holds on this connection."""

    user_id: UserId
    device_id: DeviceId
    protocol: int
    server: str
    time_ms: int
    heartbeat_s: float
    message_bytes_max: int
    in_flight_max: int
    generation: str = ""
    """As in ``conversation.sync``."""


class Pong(Struct, frozen=True):
    """The answer to ``ping``."""

    time_ms: int
