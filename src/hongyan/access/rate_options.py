"""Settings of rates; apart, so that reading settings imports nothing else."""

from typing import Annotated

from msgspec import Meta, Struct

Rate = Annotated[float, Meta(ge=0)]


class RateOptions(Struct, frozen=True, kw_only=True):
    """The limits of requests. Each limit is a bucket: so many a second, and a reserve."""

    connection_per_s: Rate = 100.0
    """Requests a second on one connection. 0 means no limit."""
    connection_burst: Rate = 200.0
    """Requests that one connection may save up."""
    user_per_s: Rate = 100.0
    """Requests a second of all devices of one user together. 0 means no limit."""
    user_burst: Rate = 400.0
    """Requests that one user may save up."""
    address_per_s: Rate = 2.0
    """Registrations and log-ins a second from one network address. 0 means no limit."""
    address_burst: Rate = 30.0
    """Registrations and log-ins that one address may save up."""
    key_per_s: Rate = 500.0
    """Requests a second with one API key. 0 means no limit."""
    key_burst: Rate = 1_000.0
    """Requests that one API key may save up."""
