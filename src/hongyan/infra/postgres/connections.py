"""Opening connections to the primary, and what it means when one breaks."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from hongyan.kernel.errors import Busy, Internal, Invalid, StorageFull, Unavailable

log = logging.getLogger(__name__)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
CONNECT_S = 5.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
LOCK_WAIT_MS = 5_000

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""The connection, or the server as a primary, is gone; another one may do."""
RIVALRY = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
"""Another transaction was in the way: the same may succeed now."""


def is_lost(error: BaseException) -> bool:
    """Return whether the error is about the connection, not of what was asked."""
    return isinstance(error, LOST) and not isinstance(error, asyncpg.DataError)


def refusal(error: BaseException) -> Exception:
    """Return the error that the caller gets."""
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull()
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        return Invalid("The NUL character cannot be stored.")
    if isinstance(error, RIVALRY):
        return Busy()
    if is_lost(error):
        return Unavailable()
    log.error("the database refused", exc_info=error)
    return Internal()


async def connect(dsn: str, name: str) -> Connection:
    """Open one connection to the primary among the servers that the DSN names.

    Args:
        dsn: As libpq takes it: ``postgresql://user@host1:5432,host2:5432/database``.
        name: Shown in ``pg_stat_activity``.
    """
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_S,
        target_session_attrs=SessionAttribute.primary,
        max_cached_statement_lifetime=0,
        statement_cache_size=1_000,
        server_settings={
            "application_name": name,
            "synchronous_commit": "on",
            "default_transaction_isolation": "read committed",
            "plan_cache_mode": "force_generic_plan",
            "lock_timeout": str(LOCK_WAIT_MS),
            "idle_in_transaction_session_timeout": "60000",
            "timezone": "UTC",
        },
    )


class Backoff:
    """Pauses that grow, each of random length so that many do not come at once."""

    def __init__(self) -> None:
        self._pause_s = FIRST_PAUSE_S

    async def pause(self) -> None:
        """Wait a while, longer each time."""
        await asyncio.sleep(self._pause_s * random.uniform(0.5, 1.0))
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)


class Fetching(Protocol):
    """A source that answers reads."""

    async def fetch(self, statement: str, *bindings: Any) -> list[asyncpg.Record]:
        """Return the rows.

        Raises:
            Refusal: the database could not be asked.
        """
        ...


class ReaderPool:
    """A few connections that take turns at reading, made anew when they break.

    Args:
        dsn: See ``connect``.
        size: How many.
        patience_s: How long a read may wait for a database that is down.
        answer_s: How long the database may take to answer; then the connection is given up.
    """

    def __init__(self, dsn: str, size: int, patience_s: float, answer_s: float) -> None:
        self._dsn = dsn
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._idle: asyncio.LifoQueue[Connection | None] = asyncio.LifoQueue()
        self._size = size
        self._closed = False
        for _ in range(size):
            self._idle.put_nowait(None)

    async def close(self) -> None:
        """Let reads that are under way end, then close."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self._size):
            connection = await self._idle.get()
            if connection is not None:
                await close(connection)
        self._idle.put_nowait(None)  # whoever still waits is refused

    async def fetch(self, statement: str, *bindings: Any) -> list[asyncpg.Record]:
        """Return the rows.

        Raises:
            Unavailable: the database was down for too long, or this is closed.
        """
        deadline = asyncio.get_running_loop().time() + self._patience_s
        backoff = Backoff()
        while True:
            try:
                return await self._with_one(lambda c: c.fetch(statement, *bindings), deadline)
            except Exception as error:
                late = asyncio.get_running_loop().time() > deadline
                if late or not (is_lost(error) or isinstance(error, RIVALRY)):
                    raise _translated(error) from error
            await backoff.pause()

    async def _with_one(
        self, use: Callable[[Connection], Awaitable[list[asyncpg.Record]]], deadline: float
    ) -> list[asyncpg.Record]:
        async with asyncio.timeout_at(deadline + self._answer_s):
            connection = await self._idle.get()
        if self._closed:
            self._idle.put_nowait(connection)
            raise Unavailable
        try:
            if connection is None or connection.is_closed():
                connection = None
                connection = await connect(self._dsn, "hongyan reader")
            watchdog = asyncio.get_running_loop().call_later(self._answer_s, connection.terminate)
            try:
                return await use(connection)
            finally:
                watchdog.cancel()
        finally:
            self._idle.put_nowait(connection)


def _translated(error: Exception) -> Exception:
    return error if isinstance(error, Unavailable) else refusal(error)


async def close(connection: Connection) -> None:
    """Close a connection, also one that does not answer any more."""
    try:
        await connection.close(timeout=1)
    except Exception:
        connection.terminate()
