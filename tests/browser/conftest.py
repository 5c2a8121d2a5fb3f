"""A server with the built web client, a browser, and people in it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

import hongyan
from tests.e2e.live_server import LiveServer

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
]
INDEX = Path(hongyan.__file__).parent / "web" / "index.html"

Enter = Callable[..., Awaitable[Person]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" not in str(item.path):
            continue
        item.add_marker(pytest.mark.xdist_group("browser"))
        if not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    assert INDEX.is_file(), "the web client is not built: make web"
    running = LiveServer(tmp_path_factory.mktemp("browser") / "data", "rates.user_per_s=0")
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest.fixture
async def enter(browser: Browser, server: LiveServer) -> AsyncIterator[Enter]:
    """Returns somebody new who is logged in; they leave without an error on their pages."""
    entered: list[Person] = []

    async def let_in(handle: str, name: str, size: Size = DESKTOP, language: str = "en") -> Person:
        unique = f"{handle}_{len(entered)}{abs(hash(server.url + str(id(browser)))) % 10**9}"
        user_id = await server.add_user(unique, PASSWORD, name)
        person = await Person.enter(browser, server.url, unique, name, size, language)
        person.user_id = user_id
        entered.append(person)
        return person

    yield let_in
    for person in entered:
        await person.leave()
    assert [error for person in entered for error in person.errors] == []
