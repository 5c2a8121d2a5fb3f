"""Options of the native WebSocket."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(ge=0)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
CountOrNone = Annotated[int, Meta(ge=0)]


class SocketOptions(Struct, frozen=True, kw_only=True):
    """The WebSocket server: what it accepts, its limits, and how it notices dead peers."""

    handshake_timeout_s: PositiveSeconds = 10.0
    """Seconds until the headers of a request must have come, and again until hello; who is late
    is closed, after the upgrade with 4002."""
    allowed_origins: tuple[str, ...] = ()
    """Web origins that may connect, and whose pages may call over HTTP, besides the server's
    own: ``https://app.example.org``, ``https://*.example.org`` for all subdomains, ``*`` for
    everybody. Programs that are no browsers send no origin and are always allowed."""
    subprotocols: tuple[Literal["hongyan.json", "hongyan.msgpack"], ...] = (
        "hongyan.json",
        "hongyan.msgpack",
    )
    """The formats spoken; among them the client's order of preference decides. A client that
    offers none gets ``hongyan.json``."""
    compression: bool = False
    """Whether permessage-deflate is agreed to when a client asks for it. Saves bytes, costs
    processor time."""
    compression_threshold_bytes: CountOrNone = 512
    """Shorter messages go uncompressed. 0 compresses all."""
    max_frame_bytes: Count = 1024 * 1024
    """The longest frame taken, as it comes on the wire; a longer one is closed with 1009."""
    max_message_bytes: Count = 1024 * 1024
    """The longest message taken, put together and inflated; a longer one is closed with 1009."""
    max_fragments: Count = 1024
    """The most frames of one message; more are closed with 1009."""
    read_buffer_bytes: Annotated[int, Meta(ge=2048)] = 2048
    """Bytes that each connection holds for reading. It grows while a longer frame comes in."""
    slow_consumer_bytes: Annotated[int, Meta(ge=4096)] = 4 * 1024 * 1024
    """Bytes that may wait for one slow peer; more cuts it with 4004, and it syncs when back."""
    heartbeat_s: Seconds = 30.0
    """Seconds of silence after which the peer is pinged; after twice as long it is cut with
    4007. 0 neither pings nor cuts."""
    tcp_keepalive_s: CountOrNone = 60
    """Seconds of silence after which the operating system probes the connection. 0 never does."""
    tcp_nodelay: bool = True
    """Whether small packets are sent at once instead of being gathered."""
    connections_max: CountOrNone = 0
    """Connections open at once; the next upgrade gets HTTP 503. 0 means no limit."""
    connections_per_address_max: CountOrNone = 0
    """Connections open at once from one address; the next upgrade gets HTTP 429. 0 means no
    limit."""
