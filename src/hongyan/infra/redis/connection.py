"""Connections to Redis: no silent second tries, and errors of the kind that others raise."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hongyan.kernel.errors import Unavailable

TIMEOUT_S = 2.0


def connect(url: str, name: str, timeout_s: float | None = TIMEOUT_S) -> Redis:
    """Return a client; it connects when it is first used.

    Args:
        url: Where Redis is: ``redis://HOST:PORT/NUMBER``.
        name: What the operator of Redis sees.
        timeout_s: How long an answer may take; None waits for ever.
    """
    return Redis.from_url(
        url,
        client_name=name,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=timeout_s,
        decode_responses=False,
    )


@contextmanager
def as_refusals() -> Iterator[None]:
    """Turn whatever the client raises into ``Unavailable``."""
    try:
        with as_os_errors():
            yield
    except OSError as error:
        raise Unavailable from error


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Turn whatever the client raises into ``OSError``."""
    try:
        yield
    except (RedisError, TimeoutError) as error:
        raise OSError(f"Redis: {error or type(error).__name__}") from error
