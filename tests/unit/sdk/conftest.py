"""A fake server, and clients of it that are logged in already."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hongyan_sdk import Backoff, Client, MemoryStore, Store
from hongyan_sdk.models import Account

from .fake_server import FakeServer

FOREVER_MS = 10**15


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    made = FakeServer()
    await made.start()
    yield made
    await made.stop()


Enter = Callable[..., "asyncio.Future[Client]"]


@pytest.fixture
async def enter(server: FakeServer, tmp_path: Path) -> AsyncIterator[Enter]:
    """Enter a client of the server: ``client = await enter(store)``."""
    async with AsyncExitStack() as stack:

        async def made(store: Store | None = None, **options: object) -> Client:
            store = store or MemoryStore()
            if store.account() is None:
                store.put_account(account(server.url))
            backoff = Backoff(first_s=0.02, limit_s=0.05)
            client = Client(server.url, store, backoff=backoff, **options)
            return await stack.enter_async_context(client)

        yield made


def account(url: str, token: str = "good") -> Account:
    return Account(
        url=url,
        user_id="me",
        device_id="phone",
        access_token=token,
        expires_at_ms=FOREVER_MS,
        refresh_token="refresh",
    )


async def until(is_so: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait until the condition holds, looking again whenever the loop has worked."""
    async with asyncio.timeout(timeout_s):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.002)
