"""A bucket of an S3 service, and what its errors mean."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import obstore
from msgspec import Struct
from obstore.exceptions import BaseError
from obstore.store import S3Store

from hongyan.kernel.errors import NotFound, StorageFull, Unavailable

log = logging.getLogger(__name__)

PIECE_BYTES = 4 * 1024 * 1024
CONCURRENCY = 4
FULL = (
    "QuotaExceeded",
    "StorageFull",
    "InsufficientStorage",
    "507 Insufficient Storage",
    "No space left",
)
"""The errors that say that there is no room. They may hold keys and ports too: any digits."""


class BucketOptions(Struct, frozen=True, kw_only=True):
    """A bucket's address and credentials."""

    url: str
    """``https://HOST[:PORT]`` of the service."""
    bucket: str
    access_key_id: str
    secret_access_key: str
    region: str = "us-east-1"
    prefix: str = ""
    """Before all names, without a slash at its end; empty for none."""
    path_style: bool = True
    """Whether the bucket stands in the path of URLs, rather than in the host's name."""
    timeout_s: float = 30.0
    """Seconds for one request, of at most a few MiB."""


def open_bucket(options: BucketOptions) -> S3Store:
    """Return the bucket; nothing is asked yet."""
    return S3Store(
        options.bucket,
        prefix=options.prefix or None,
        config={"endpoint": _address(options)},
        region=options.region,
        access_key_id=options.access_key_id,
        secret_access_key=options.secret_access_key,
        virtual_hosted_style_request=not options.path_style,
        client_options={
            "allow_http": options.url.startswith("http://"),
            "timeout": f"{options.timeout_s}s",
            "connect_timeout": "5s",
        },
        retry_config={"max_retries": 3},
    )


def _address(options: BucketOptions) -> str:
    url = options.url.rstrip("/")
    if options.path_style:
        return url
    scheme, _, host = url.partition("://")
    return f"{scheme}://{options.bucket}.{host}"


@contextmanager
def refusing() -> Iterator[None]:
    """Raise what the bucket's errors mean to who asked.

    Raises:
        NotFound: there is no such object.
        StorageFull: there is no room.
        Unavailable: the bucket does not answer, or does not let us.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound from error
    except (BaseError, OSError) as error:
        if any(word in str(error) for word in FULL):
            raise StorageFull from error
        log.warning("the bucket failed: %s", type(error).__name__, exc_info=error)
        raise Unavailable("The file store does not answer; try again.") from error


async def read(store: S3Store, key: str, first: int, length: int) -> AsyncIterator[bytes]:
    """Yield a stretch of an object, each piece by a request of its own.

    So nobody who reads slowly keeps a connection to the bucket, and none times out.
    """
    end = first + length
    while first < end:
        size = min(PIECE_BYTES, end - first)
        with refusing():
            piece = await obstore.get_range_async(store, key, start=first, length=size)
        if len(piece) != size:
            raise Unavailable("An object is shorter than it should be.")
        first += size
        yield bytes(piece)


async def put(store: S3Store, key: str, data: Any) -> None:
    """Store bytes, a file or an iterator of bytes; it is there whole or not at all."""
    with refusing():
        await obstore.put_async(
            store, key, data, chunk_size=2 * PIECE_BYTES, max_concurrency=CONCURRENCY
        )


async def names(store: S3Store, prefix: str) -> dict[str, int]:
    """Return what is below a prefix that ends with a slash: name behind it -> bytes."""
    found: dict[str, int] = {}
    with refusing():
        async for page in obstore.list(store, prefix=prefix.rstrip("/")):
            found.update({meta["path"].rpartition("/")[2]: meta["size"] for meta in page})
    return found
