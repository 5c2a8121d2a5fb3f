"""Take the pictures of docs/images: the web client with the demo's people, as others will see it.

Needs ``make web``, Chromium and the fonts ``fonts-inter fonts-noto-cjk fonts-noto-color-emoji``.
With a folder as argument, many more views are taken there, in both themes and both languages, for
looking at the design.
"""

import asyncio
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import ARGUMENTS, CHROMIUM  # noqa: E402
from tests.e2e.live_server import HONGYAN, LiveServer  # noqa: E402

IMAGES = ROOT / "docs/images"
HANDLE = "linxiaowen"
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
THEMES = ("light", "dark")
LANGUAGES = ("zh", "en")
QUALITY = 82
FONT = 'Inter, "Noto Sans CJK SC", "Noto Color Emoji"'
"""In place of the system's own, which a machine without a desktop has not."""
WEAR = """font => addEventListener('DOMContentLoaded', () =>
    document.documentElement.style.setProperty('--hy-font', font))"""


class Look(NamedTuple):
    """One way to see the client."""

    size: str
    theme: str
    language: str


Show = Callable[[Page], Awaitable[object]]


async def _conversation(page: Page) -> None:
    await page.locator(".conversation-row").first.click()
    await expect(page.locator(".message").last).to_be_visible()


async def _details(page: Page) -> None:
    await _conversation(page)
    await page.locator(".conversation-header .icon-button").last.click()
    await expect(page.locator(".person-head, .info-section").first).to_be_visible()


def _at(path: str, ready: str) -> Show:
    async def show(page: Page) -> None:
        await page.goto(await page.evaluate("location.origin") + path)
        await expect(page.locator(ready).first).to_be_visible()

    return show


async def _menu(page: Page) -> None:
    await _conversation(page)
    await page.locator(".message.other .bubble").last.click(button="right")


async def _emoji(page: Page) -> None:
    await _conversation(page)
    await page.locator(".composer .icon-button").nth(1).click()
    await expect(page.locator(".emoji-line").first).to_be_visible()


async def _palette(page: Page) -> None:
    await page.keyboard.press("Control+k")
    await expect(page.locator("dialog[open]")).to_be_visible()


async def _search(page: Page) -> None:
    await page.locator(".list-header input").fill("的")
    await page.wait_for_timeout(400)


async def _list(page: Page) -> None:
    await expect(page.locator(".conversation-row").first).to_be_visible()


KEPT: dict[str, Show] = {"conversation": _conversation}
ALL: dict[str, Show] = {
    "list": _list,
    "conversation": _conversation,
    "details": _details,
    "menu": _menu,
    "emoji": _emoji,
    "palette": _palette,
    "search": _search,
    "contacts": _at("/contacts", ".list-pane"),
    "favourites": _at("/favourites", ".list-pane"),
    "settings": _at("/settings/profile", ".page-title, h1"),
    "appearance": _at("/settings/appearance", ".page-title, h1"),
    "devices": _at("/settings/devices", ".page-title, h1"),
}


class Studio:
    """A browser with the demo's person logged in once for each look."""

    def __init__(self, browser: Browser, url: str, password: str) -> None:
        self._browser = browser
        self._url = url
        self._password = password

    async def take(self, look: Look, views: dict[str, Show], folder: Path) -> None:
        """Take pictures of these views."""
        width, height = SIZES[look.size]
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            locale={"zh": "zh-CN", "en": "en-GB"}[look.language],
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if look.theme == "dark" else "light",
            reduced_motion="reduce",
            service_workers="block",
            has_touch=look.size == "phone",
        )
        await context.add_init_script(f"({WEAR})({json.dumps(FONT)})")
        page = await context.new_page()
        await page.goto(self._url)
        await page.locator("input[name=username]").fill(HANDLE)
        await page.locator("input[name=password]").fill(self._password)
        if folder != IMAGES:
            await self._keep(page, folder, "entrance", look)
        await page.locator("button[type=submit]").click()
        await expect(page.locator(".conversation-row").first).to_be_visible()
        for name, show in views.items():
            await page.goto(self._url)
            await expect(page.locator(".conversation-row").first).to_be_visible()
            await show(page)
            await self._keep(page, folder, name, look)
        await context.close()

    @staticmethod
    async def _keep(page: Page, folder: Path, name: str, look: Look) -> None:
        await page.wait_for_timeout(700)
        taken = await page.screenshot()
        path = folder / f"{name}-{look.size}-{look.theme}-{look.language}.webp"
        with Image.open(io.BytesIO(taken)) as image:
            image.save(path, "WEBP", quality=QUALITY, method=6)


@asynccontextmanager
async def studio(folder: Path) -> AsyncIterator[Studio]:
    """Start a server with the demo in it, and a browser."""
    data = folder / "data"
    command = [str(HONGYAN), "demo", "--data", str(data)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: ASYNC221
    password = next(line.split()[-1] for line in told.splitlines() if line.startswith(HANDLE))
    server = LiveServer(data)
    server.start()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*ARGUMENTS, "--font-render-hinting=none"],
        )
        try:
            yield Studio(browser, server.url, password)
        finally:
            await browser.close()
            server.stop()


async def main(target: Path, looks: list[Look], views: dict[str, Show]) -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        async with studio(Path(folder)) as made:
            for look in looks:
                await made.take(look, views, target)


if __name__ == "__main__":
    every = [Look(*look) for look in product(SIZES, THEMES, LANGUAGES)]
    if len(sys.argv) > 1:
        wanted = set(sys.argv[2:])
        chosen = {name: show for name, show in ALL.items() if not wanted or name in wanted}
        some = [
            Look("desktop", "light", "zh"),
            Look("desktop", "dark", "en"),
            Look("phone", "light", "zh"),
        ]
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(main(folder, some, chosen))
    else:
        asyncio.run(main(IMAGES, every, KEPT))
