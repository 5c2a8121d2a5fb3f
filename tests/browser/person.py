"""Somebody at a browser: what people do in the client, found by what they see."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

PASSWORD = "wild geese carry letters"


async def until(is_so: Callable[[], Awaitable[object]], timeout_s: float = 15.0) -> None:
    """Wait until something holds that Playwright cannot expect."""
    async with asyncio.timeout(timeout_s):
        while not await is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


class Size(NamedTuple):
    """A window, in pixels."""

    width: int
    height: int


DESKTOP = Size(1280, 800)
TABLET = Size(834, 1112)
PHONE = Size(390, 844)
TOUCH_BELOW = 700


class Person:
    """One account in one browser of its own, in English unless said otherwise."""

    def __init__(self, context: BrowserContext, page: Page, url: str, handle: str, name: str):
        self.context = context
        self.page = page
        self.url = url
        self.handle = handle
        self.name = name
        self.user_id = ""
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"{handle}: {error}"))

    @classmethod
    async def arrive(
        cls,
        browser: Browser,
        url: str,
        handle: str,
        name: str,
        size: Size,
        language: str = "en",
        is_offline_ready: bool = False,
    ) -> "Person":
        """Open a window; the service worker comes only where being offline is the matter."""
        context = await browser.new_context(
            viewport={"width": size.width, "height": size.height},
            locale={"en": "en-GB", "zh": "zh-CN"}[language],
            permissions=["clipboard-read", "clipboard-write", "microphone", "notifications"],
            reduced_motion="reduce",
            service_workers="allow" if is_offline_ready else "block",
            has_touch=size.width < TOUCH_BELOW,
        )
        context.set_default_timeout(20_000)
        return cls(context, await context.new_page(), url, handle, name)

    async def log_in(self, password: str) -> None:
        """Fill in the form of the entrance."""
        page = self.page
        await page.goto(self.url)
        await page.locator("input[name=username]").fill(self.handle)
        await page.locator("input[name=password]").fill(password)
        await page.locator("button[type=submit]").click()
        await expect(page.locator(".rail")).to_be_visible()

    async def leave(self) -> None:
        """Close the browser's window."""
        await self.context.close()

    # --- what is seen ---

    @property
    def rows(self) -> Locator:
        """The conversations in the list."""
        return self.page.locator(".conversation-row")

    def row(self, title: str) -> Locator:
        """The conversation of this title in the list."""
        return self.rows.filter(has_text=title)

    @property
    def messages(self) -> Locator:
        """The bubbles of the open conversation."""
        return self.page.locator(".message")

    def message(self, text: str) -> Locator:
        """The bubbles that say exactly this, whatever they quote."""
        said = self.page.locator(".bubble > .text, .bubble > .large-emoji")
        words = r"\s+".join(re.escape(word) for word in text.split())
        return self.messages.filter(has=said.filter(has_text=re.compile(rf"^\s*{words}\s*$")))

    @property
    def events(self) -> Locator:
        """The lines of the open conversation that tell what happened."""
        return self.page.locator(".event-line")

    @property
    def composer(self) -> Locator:
        """Where messages are written."""
        return self.page.get_by_role("textbox", name=re.compile("^(Message|输入消息)$"))

    @property
    def dialog(self) -> Locator:
        """The dialog on top."""
        return self.page.locator("dialog[open]").last

    # --- what is done ---

    async def open(self, title: str) -> None:
        """Open a conversation of the list."""
        await self.row(title).click()
        await expect(self.page.locator(".conversation-who h1")).to_have_text(title)

    async def open_direct(self, other: "Person") -> None:
        """Find somebody by their handle and open the conversation with them."""
        await self.page.get_by_role("button", name="New", exact=True).click()
        await self.page.get_by_role("menuitem", name="Add contact").click()
        await self.dialog.get_by_role("searchbox").fill(other.handle)
        await self.dialog.get_by_role("button", name="Search", exact=True).click()
        await self.dialog.get_by_role("button", name=f"Write to {other.name}").click()
        await expect(self.page.locator(".conversation-who h1")).to_have_text(other.name)
        await expect(self.composer).to_be_visible()

    async def say(self, text: str) -> None:
        """Write a message and send it with Enter."""
        await self.composer.fill(text)
        await self.composer.press("Enter")
        await expect(self.message(text).last).to_be_visible()

    async def choose(self, text: str, action: str) -> None:
        """Do something from the menu of a message."""
        await self.message(text).last.click(button="right")
        await self.page.get_by_role("menuitem", name=action, exact=True).click()

    async def confirm(self) -> None:
        """Say yes to what a dialog asks."""
        await self.dialog.locator("footer button").last.click()

    async def make_group(self, name: str, *others: "Person") -> None:
        """Make a group with these people."""
        await self.page.get_by_role("button", name="New", exact=True).click()
        await self.page.get_by_role("menuitem", name="New group").click()
        await self.dialog.get_by_label("Name", exact=True).fill(name)
        for other in others:
            await self.dialog.get_by_role("searchbox").fill(other.handle)
            await self.dialog.get_by_role("checkbox", name=other.name).check()
        await self.dialog.get_by_role("button", name="Create").click()
        await expect(self.page.locator(".conversation-who h1")).to_have_text(name)
