"""A server with the built web client, one browser, and people in it."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

import hongyan
from tests.e2e.servers import Server, opened

from .person import DESKTOP, PASSWORD, Person, Size

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
INDEX = Path(hongyan.__file__).parent / "web" / "index.html"
PATIENCE_MS = 15_000
"""How long what is expected may take on a machine that does other things too."""

Enter = Callable[..., Awaitable[Person]]
handles = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the browser; without one, only a machine of one's own may skip."""
    for item in items:
        if "tests/browser" not in str(item.path):
            continue
        item.add_marker(pytest.mark.xdist_group("browser"))
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if not CHROMIUM and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server; with ``HONGYAN_SERVER=cluster`` a cluster."""
    assert INDEX.is_file(), "the web client is not built: make web"
    kind = os.environ.get("HONGYAN_SERVER", "embedded")
    with opened(kind, tmp_path_factory.mktemp("browser"), "rates.user_per_s=0") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "no Chromium: apt-get install chromium"
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def enter(browser: Browser, server: Server) -> AsyncIterator[Enter]:
    """Returns somebody new who is logged in; they leave without an error on their pages."""
    entered: list[Person] = []

    async def let_in(
        handle: str,
        name: str,
        size: Size = DESKTOP,
        *,
        language: str = "en",
        is_offline_ready: bool = False,
    ) -> Person:
        unique = f"{handle}_{next(handles)}"
        user_id = await server.add_user(unique, PASSWORD, name)
        person = await Person.arrive(
            browser, server.url, unique, name, size, language, is_offline_ready
        )
        person.user_id = user_id
        entered.append(person)
        await person.log_in(PASSWORD)
        return person

    yield let_in
    errors = [error for person in entered for error in person.errors]
    for person in entered:
        await person.leave()
    assert errors == []
