"""A fake server, and clients of it that are logged in already."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

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


Enter = Callable[..., Awaitable[Client]]


@pytest.fixture
async def enter(server: FakeServer, tmp_path: Path) -> AsyncIterator[Enter]:
    """Enter a client of the server: ``client = await enter(store)``."""
    async with AsyncExitStack() as stack:

        async def made(store: Store | None = None, **options: Any) -> Client:
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
