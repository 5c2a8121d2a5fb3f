"""Staying connected: tokens, reconnection, and the requests that go over it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Raw

from .accounts import Tokens, log_in
from .backoff import Backoff
from .connection import CALL_TIMEOUT_S, Connection
from .errors import ConnectionLost, HongyanError, LoggedOut, Refused
from .models import Account
from .store import Store
from .wire import CLOSE_KICKED, CLOSE_UNAUTHENTICATED, LONG_PAUSE_S, Push, Welcome, read

logger = logging.getLogger(__name__)

RENEW_BEFORE_MS = 60_000
RECONNECT_WAIT_MAX_S = 300.0
OTHER_VERSION = "other_version"
KEEPS_TOKENS = {OTHER_VERSION, "replaced"}
"""Ends after which the device may still be logged in."""


class Session:
    """Keeps one device connected until it is closed or logged out.

    Args:
        store: Holds the account.
        on_push: Called with each push but those that the session itself deals with.
        on_online: Awaited after each hello; the session counts as online when it returns.
        on_offline: Called when a connection is gone, with the reason and the seconds until
            the next try.
        backoff: Makes the waits between tries.
        client: What to call ourselves.
    """

    def __init__(
        self,
        store: Store,
        on_push: Callable[[Push], None],
        on_online: Callable[[Welcome], Awaitable[None]],
        on_offline: Callable[[str, float], None],
        backoff: Backoff,
        client: str = "hongyan-python",
    ) -> None:
        self._store = store
        self._on_push = on_push
        self._on_online = on_online
        self._on_offline = on_offline
        self._backoff = backoff
        self._client = client
        self._connection: Connection | None = None
        self._online = asyncio.Event()
        self._ended = asyncio.Event()
        self._not_before_s = 0.0
        self._must_renew = False
        self._kick_reason = ""
        self._moving: asyncio.Task[None] | None = None
        self.failure: LoggedOut | None = None

    @property
    def account(self) -> Account:
        """The account that is logged in.

        Raises:
            LoggedOut: nobody's.
        """
        account = self._store.account()
        if account is None or not account.refresh_token:
            raise self.failure or LoggedOut("unauthenticated")
        return account

    @property
    def is_online(self) -> bool:
        """Whether there is a connection and the store is up to date."""
        return self._online.is_set()

    def keep(self, url: str, tokens: Tokens, identifier: str = "") -> None:
        """Store what a login or a renewal gave."""
        known = self._store.account()
        account = Account(
            url=url,
            user_id=tokens.user_id,
            device_id=tokens.device_id,
            access_token=tokens.access_token,
            expires_at_ms=_now_ms() + tokens.expires_in_s * 1000,
            refresh_token=tokens.refresh_token,
            identifier=identifier or (known.identifier if known is not None else ""),
        )
        self._store.put_account(account)

    async def run(self) -> None:
        """Connect again and again until logged out; ``failure`` then says why."""
        try:
            while True:
                try:
                    lost = await self._connect_once()
                except LoggedOut as error:
                    self._end(error)
                    return
                except ConnectionLost as error:
                    lost = error
                except HongyanError as error:
                    lost = ConnectionLost(str(error))
                except Exception as error:
                    logger.exception("a connection ended by a defect")
                    lost = ConnectionLost(repr(error))
                wait_s = max(
                    self._backoff.next_s(),
                    self._not_before_s - _monotonic_s(),
                    LONG_PAUSE_S.get(lost.code, 0.0),
                )
                self._on_offline(lost.reason, wait_s)
                await asyncio.sleep(wait_s)
        finally:
            self._ended.set()

    async def wait_online(self) -> None:
        """Return when connected and synced.

        Raises:
            LoggedOut: this will never be.
        """
        while not self._online.is_set():  # it may be lost again before we run
            if self._ended.is_set():
                raise self.failure or LoggedOut("closed")
            waits = [
                asyncio.ensure_future(self._online.wait()),
                asyncio.ensure_future(self._ended.wait()),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    async def call(
        self, method: str, params: dict[str, Any], timeout_s: float = CALL_TIMEOUT_S
    ) -> Raw:
        """Ask on the present connection, waiting for one if there is none.

        Raises:
            Refused, LoggedOut: see there.
            ConnectionLost: no answer; the request may have been carried out.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self.wait_online()
        except TimeoutError as error:
            raise ConnectionLost("not connected") from error
        return await self.call_now(method, params, timeout_s)

    async def call_now(
        self, method: str, params: dict[str, Any], timeout_s: float = CALL_TIMEOUT_S
    ) -> Raw:
        """Ask on the present connection, even while it is still syncing.

        Raises:
            Refused, ConnectionLost: see there.
        """
        if self._connection is None:
            raise ConnectionLost("not connected")
        return await self._connection.call(method, params, timeout_s)

    def move(self, url: str) -> None:
        """Reach the same server by another address from now on."""
        self._store.put_account(msgspec.structs.replace(self.account, url=url))

    def forget(self) -> None:
        """Forget the tokens."""
        account = self._store.account()
        if account is not None:
            blank = msgspec.structs.replace(account, access_token="", refresh_token="")
            self._store.put_account(blank)

    async def close(self) -> None:
        """Close the connection."""
        if self._moving is not None:
            self._moving.cancel()
            self._moving = None
        connection, self._connection = self._connection, None
        self._online.clear()
        self._ended.set()
        if connection is not None:
            await connection.close()

    # --- inside ---

    async def _connect_once(self) -> ConnectionLost:
        """Connect, sync, and return how the connection ended."""
        account = await self._fresh_account()
        lost: asyncio.Future[ConnectionLost] = asyncio.get_running_loop().create_future()

        def closed(end: ConnectionLost) -> None:
            self._online.clear()
            if not lost.done():
                lost.set_result(end)

        self._kick_reason = ""
        self._not_before_s = 0.0
        try:
            self._connection = await Connection.open(
                account.url, account.access_token, self._pushed, closed, self._client
            )
        except Refused as error:
            if error.code == "conflict":
                raise LoggedOut(OTHER_VERSION) from error
            if error.code != "unauthenticated" or self._must_renew:
                raise
            self._must_renew = True
            return ConnectionLost(error.message)
        self._must_renew = False
        try:
            end = await self._serve(self._connection.welcome, lost)
        finally:
            self._online.clear()
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()
        if end.code == CLOSE_KICKED:
            raise LoggedOut(self._kick_reason or end.reason)
        self._must_renew = end.code == CLOSE_UNAUTHENTICATED
        return end

    async def _serve(
        self, welcome: Welcome, lost: "asyncio.Future[ConnectionLost]"
    ) -> ConnectionLost:
        """Sync, be online, and wait for the end."""
        syncing = asyncio.ensure_future(self._on_online(welcome))
        ends: list[asyncio.Future[Any]] = [syncing, lost]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                return lost.result()
            syncing.result()
            self._online.set()
            self._backoff.reset()
            return await lost
        finally:
            syncing.cancel()
            await asyncio.gather(syncing, return_exceptions=True)

    async def _fresh_account(self) -> Account:
        """Return the account with an access token that is good for a while yet."""
        account = self.account
        if not self._must_renew and account.expires_at_ms - _now_ms() > RENEW_BEFORE_MS:
            return account
        try:
            params = {"refresh_token": account.refresh_token}
            self.keep(account.url, await log_in(account.url, "refresh", params))
        except Refused as error:
            if error.retryable:
                raise ConnectionLost(error.message) from error
            raise LoggedOut(error.code) from error
        return self.account

    def _pushed(self, push: Push) -> None:
        if push.event == "kicked":
            self._kick_reason = str(read(push.data, dict[str, Any]).get("reason", "kicked"))
        elif push.event == "reconnect":
            after_ms = read(push.data, dict[str, Any]).get("after_ms", 0)
            wait_s = min(RECONNECT_WAIT_MAX_S, max(0, int(after_ms)) / 1000)
            if self._moving is None or self._moving.done():
                self._not_before_s = _monotonic_s() + wait_s
                move = self._move(wait_s)
                self._moving = asyncio.get_running_loop().create_task(move)
        else:
            self._on_push(push)

    async def _move(self, after_s: float) -> None:
        """Leave the connection because the server asked for it."""
        await asyncio.sleep(after_s)
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()

    def _end(self, error: LoggedOut) -> None:
        self.failure = error
        if error.reason not in KEEPS_TOKENS:
            self.forget()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _monotonic_s() -> float:
    return time.monotonic()
