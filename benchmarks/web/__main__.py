"""Measure the web client: what a first visit loads, opening a long conversation, typing.

``--data FOLDER`` keeps the filled folder for the next time. Ends with 1 where a figure is above
its bound.
"""

import argparse
import asyncio
import gzip
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Response, async_playwright, expect
from tests.browser.conftest import ARGUMENTS, CHROMIUM, INDEX
from tests.e2e.live_server import LiveServer

from hongyan_sdk import Client

from .frames import Trace
from .prepare import LONG, PASSWORD, READER, SHORT, TALKER, fill

MESSAGES = 100_000
OPENINGS = 7
TYPING_S = 12
PER_S = 50
KEY_MS = 60
SIZE = {"width": 1440, "height": 900}

OPEN = """title => new Promise(resolve => {
    const rows = [...document.querySelectorAll('.conversation-row')];
    const row = rows.find(one => one.textContent.includes(title));
    const began = performance.now();
    const look = () => {
        const heading = document.querySelector('.conversation-who h1');
        const box = document.querySelector('.timeline-scroll');
        const shown = [...document.querySelectorAll('.message')].some(one => {
            const {top, bottom} = one.getBoundingClientRect();
            const isSeen = getComputedStyle(one).visibility === 'visible';
            return isSeen && bottom > 60 && top < innerHeight;
        });
        if (heading?.textContent === title && box && shown)
            requestAnimationFrame(() => setTimeout(() => resolve({
                ms: performance.now() - began,
                rows: document.querySelectorAll('.timeline-row').length,
            })));
        else requestAnimationFrame(look);
    };
    row.click();
    requestAnimationFrame(look);
})"""

WATCH = """() => {
    const intervals = [];
    let before = performance.now();
    const next = now => {
        intervals.push(now - before);
        before = now;
        window.watched = requestAnimationFrame(next);
    };
    window.intervals = intervals;
    window.watched = requestAnimationFrame(next);
}"""


class Figure(NamedTuple):
    """One line of the table; a bound of 0 bounds nothing."""

    what: str
    value: float
    unit: str
    bound: float = 0


def percentile(values: list[float], share: int) -> float:
    """Return a percentile of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


async def first_load(browser: Browser, url: str) -> list[Figure]:
    """Visit for the first time, until the entrance is drawn, and log in."""
    page = await (await browser.new_context(service_workers="block", locale="en-GB")).new_page()
    scripts: set[str] = set()

    def keep(response: Response) -> None:
        path = urlsplit(response.url).path
        if path.endswith(".js"):
            scripts.add(path)

    page.on("response", keep)
    await page.goto(url)
    await expect(page.locator("input[name=password]")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    sizes = [
        len(gzip.compress((INDEX.parent / path.lstrip("/")).read_bytes(), 9)) for path in scripts
    ]
    timing = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    paint_ms = await page.evaluate(timing)
    await page.context.close()
    return [
        Figure("first load, JavaScript, gzip", sum(sizes) / 1000, "kB", 150),
        Figure("first load, first contentful paint", paint_ms, "ms"),
    ]


async def enter(browser: Browser, url: str) -> Page:
    """Log in."""
    context = await browser.new_context(
        viewport=SIZE,  # type: ignore[arg-type]
        service_workers="block",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(url)
    await page.locator("input[name=username]").fill(READER)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("button[type=submit]").click()
    await expect(page.locator(".conversation-row").first).to_be_visible()
    await page.wait_for_load_state("networkidle")
    return page


async def opening(page: Page, messages: int) -> list[Figure]:
    """Open the long conversation, at first from the server, then from what is kept."""
    taken: list[dict[str, float]] = []
    for _ in range(OPENINGS):
        await page.evaluate(OPEN, SHORT)
        taken.append(await page.evaluate(OPEN, LONG))
        await page.wait_for_timeout(500)
    times = [one["ms"] for one in taken]
    rows = await page.locator(".timeline-row").count()
    return [
        Figure(f"opening {messages:,} messages, the first time", times[0], "ms", 300),
        Figure("opening it again, median", statistics.median(times[1:]), "ms", 300),
        Figure("rows in the page", max(rows, *(one["rows"] for one in taken)), "", 60),
    ]


async def scrolling(page: Page) -> list[Figure]:
    """Scroll far back, and count what stays in the page."""
    most = 0
    for _ in range(40):
        await page.mouse.move(1000, 400)
        await page.mouse.wheel(0, -1500)
        await page.wait_for_timeout(50)
        most = max(most, await page.locator(".timeline-row").count())
    return [Figure("rows in the page while scrolling back", most, "", 60)]


async def talk(url: str, title: str, ready: asyncio.Event, stop: asyncio.Event) -> int:
    """Say something in the conversation, so many times a second; return how often."""
    loop = asyncio.get_running_loop()
    async with Client.login(url, TALKER, PASSWORD) as client:
        found = next(one for one in client.conversations() if one.name == title)
        chat = client.chat(found.conversation_id)
        ready.set()
        began, count = loop.time(), 0
        while not stop.is_set():
            chat.send_text(f"message {count} while somebody writes")
            count += 1
            await asyncio.sleep(max(0, began + count / PER_S - loop.time()))
        return round(count / (loop.time() - began))


async def typing(page: Page, url: str) -> list[Figure]:
    """Write while messages arrive in the open conversation."""
    await page.evaluate(OPEN, SHORT)
    ready, stop = asyncio.Event(), asyncio.Event()
    talking = asyncio.create_task(talk(url, SHORT, ready, stop))
    await ready.wait()
    await page.wait_for_timeout(2000)
    trace = Trace(await page.context.new_cdp_session(page))
    await page.locator(".composer-text").click()
    await trace.start()
    await page.evaluate(WATCH)
    text = "the quick brown fox jumps over the lazy dog " * 20
    await page.keyboard.type(text[: TYPING_S * 1000 // KEY_MS], delay=KEY_MS)
    intervals = await page.evaluate("cancelAnimationFrame(window.watched), window.intervals")
    busy = await trace.stop()
    stop.set()
    rate = await talking
    return [
        Figure("messages arriving while typing", rate, "/s"),
        Figure("work in a frame, p50", percentile(busy, 50), "ms"),
        Figure("work in a frame, p95", percentile(busy, 95), "ms", 16),
        Figure("from frame to frame, p50", percentile(intervals, 50), "ms"),
        Figure("from frame to frame, p95", percentile(intervals, 95), "ms"),
    ]


async def measure(data: Path, messages: int) -> list[Figure]:
    """Take all figures."""
    server = LiveServer(data, "rates.user_per_s=0", "rates.connection_per_s=0")
    server.start()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            figures = await first_load(browser, server.url)
            page = await enter(browser, server.url)
            figures += await opening(page, messages)
            figures += await scrolling(page)
            figures += await typing(page, server.url)
        finally:
            await browser.close()
            server.stop()
    return figures


def show(figures: list[Figure], tell: Callable[[str], object] = print) -> bool:
    """Print the table; return whether all is within its bounds."""
    tell("| what | measured | bound |\n|---|---|---|")
    for what, value, unit, bound in figures:
        limit = f"{bound:g} {unit}".strip() if bound else ""
        mark = " **above**" if bound and value > bound else ""
        tell(f"| {what} | {value:.1f} {unit}{mark} | {limit} |".replace(".0 ", " "))
    return all(not bound or value <= bound for _, value, _, bound in figures)


def main() -> None:
    """Fill, measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.web", description=__doc__)
    parser.add_argument("--data", type=Path, help="keep the filled folder here")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--fill-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data: Path = options.data or Path(folder) / "data"
        if not data.exists():
            asyncio.run(fill(data, options.messages))
        if options.fill_only:
            return
        figures = asyncio.run(measure(data, options.messages))
    if options.json:
        print(json.dumps([figure._asdict() for figure in figures]))
    elif not show(figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
