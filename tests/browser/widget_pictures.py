"""Takes the pictures of the guide: ``python -m tests.browser.widget_pictures FOLDER``."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect

from .conftest import ARGUMENTS, CHROMIUM
from .shop import Shop, Visitor

PHONE = (390, 844)
WINDOW = (1120, 720)
TALK = (
    ("wang-wei", "Hello! Is my lamp on its way?"),
    ("shop-desk", "It left our workshop this morning, and should be with you by Friday."),
    ("wang-wei", "Wonderful, thank you 😊"),
)


async def main(folder: Path) -> None:
    """Let two people talk, and take the pictures."""
    with tempfile.TemporaryDirectory() as data:
        shop = Shop(Path(data))
        shop.start()
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                await _take(browser, shop, folder)
                await browser.close()
        finally:
            shop.stop()


async def _take(browser: Browser, shop: Shop, folder: Path) -> None:
    customer = await Visitor.enter(browser, shop, "wang-wei", WINDOW)
    desk = await Visitor.enter(browser, shop, "shop-desk", WINDOW)
    await customer.go("/orders/1001")
    await customer.ready()
    await customer.launcher.click()
    await desk.go("/desk/1001")
    people = {"wang-wei": customer, "shop-desk": desk}
    for who, text in TALK:
        await people[who].say(text)
        for one in people.values():
            await expect(one.message(text)).to_have_count(1)
    await desk.page.screenshot(path=folder / "desk-light.png")
    await customer.widget.evaluate("(chat) => chat.close()")
    await desk.say("It is our pleasure.")
    await expect(customer.launcher.locator(".count")).to_have_text("1")
    await customer.page.screenshot(path=folder / "closed-light.png")
    await customer.launcher.click()
    await expect(customer.message("pleasure")).to_be_visible()
    await customer.page.screenshot(path=folder / "open-light.png")
    for theme, language, size in (
        ("dark", "zh", WINDOW),
        ("dark", "en", WINDOW),
        ("light", "zh", PHONE),
        ("dark", "zh", PHONE),
        ("light", "en", PHONE),
    ):
        visitor = await Visitor.enter(browser, shop, "wang-wei", size, theme == "dark")
        await visitor.go(f"/orders/1001?lang={language}")
        await visitor.ready()
        name = f"{'phone' if size == PHONE else 'open'}-{theme}-{language}.png"
        await visitor.page.screenshot(path=folder / f"closed-{name}")
        await visitor.launcher.click()
        await expect(visitor.message("pleasure")).to_be_visible()
        await visitor.page.wait_for_timeout(500)  # fonts are drawn
        await visitor.page.screenshot(path=folder / name)
        await visitor.context.close()


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(chosen))
