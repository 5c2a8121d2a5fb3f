"""The rows on the screen are the same ones after older history has come, as they were used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, WebSocketRoute, expect

from hongyan_sdk import Client
from tests.e2e.servers import Server

from .person import DESKTOP, PASSWORD, Person, until
from .watching import LOADED, MOST_PX, scroll

MESSAGES = 150
"""Three pages of history: two come while one scrolls."""
NEAR_PX = 1200
"""How near the beginning of what is loaded the client loads more."""
STEP_PX = 200


class Weather(NamedTuple):
    """How fast a machine and a server are, beside each other."""

    slower: int = 1
    """How many times slower than this machine the page computes."""
    answers_late_ms: int = 0
    scroll_late_ms: int = 0
    """How late the page hears that it was scrolled: frames are long beside answers."""


WEATHERS = {
    "plain": Weather(),
    "answers before the next frame": Weather(scroll_late_ms=100),
    "far server": Weather(answers_late_ms=200),
    "slow": Weather(slower=4),
    "slowest": Weather(slower=6, scroll_late_ms=50),
}

LATE = """(ms) => addEventListener('scroll', (event) => {
    if (!event.isTrusted) return;
    event.stopImmediatePropagation();
    setTimeout(() => event.target.dispatchEvent(new Event('scroll')), ms);
}, true)"""
"""The browser's own events of scrolling come later than it sends them."""

SETTLE = """(box) => {
    const top = (one) => one.getBoundingClientRect().top - box.getBoundingClientRect().top;
    const nearest = (kind) => [...box.querySelectorAll(kind)].reduce(
        (best, one) => (Math.abs(top(one) - 150) < Math.abs(top(best) - 150) ? one : best));
    const text = nearest('.bubble > .text');
    const voice = nearest('.voice-player').querySelector('audio');
    const message = nearest('.message');
    getSelection().selectAllChildren(text);
    message.focus({preventScroll: true});
    voice.loop = true;
    window.used = {message, voice, text, words: getSelection().toString()};
    return voice.play();
}"""
"""Select a text, focus a message and hear a voice in the upper part of the window."""

USED = """() => {
    const {message, voice, text, words} = window.used;
    return {
        focused: document.activeElement === message,
        playing: voice.isConnected && !voice.paused,
        selected: words !== '' && getSelection().toString() === words
            && text.contains(getSelection().anchorNode),
    };
}"""

Visit = Callable[[Weather], Awaitable[Person]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writer(browser: Browser, server: Server) -> AsyncIterator[Person]:
    """Somebody with a long diary of texts and voice messages."""
    await server.add_user("diarist", PASSWORD, "Ann")
    ann = await Person.arrive(browser, server.url, "diarist", "Ann", DESKTOP)
    await ann.log_in(PASSWORD)
    await ann.make_group("Diary")
    await ann.page.get_by_role("button", name="Record voice message").click()
    await expect(ann.page.get_by_role("timer")).to_have_text("0:01")
    await ann.page.get_by_role("button", name="Send").click()
    await expect(ann.messages).to_have_attribute("data-state", "sent")
    async with Client.login(ann.url, ann.handle, PASSWORD) as client:
        chat = client.chat(client.conversations()[0].conversation_id)
        await until(chat.history)
        voice = (await chat.history())[-1].content
        for number in range(MESSAGES):
            text = f"number {number}" + " and so on" * (number * 7 % 23)
            await (chat.send(voice) if number % 4 == 0 else chat.send_text(text))
    yield ann
    await ann.leave()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(writer: Person, browser: Browser) -> AsyncIterator[Visit]:
    """Returns the diarist at a new device, which keeps nothing of the diary yet."""
    arrived: list[Person] = []

    async def arrive(weather: Weather) -> Person:
        person = await Person.arrive(browser, writer.url, writer.handle, writer.name, DESKTOP)
        arrived.append(person)
        if weather.answers_late_ms:
            await person.page.route_web_socket("**", lambda socket: late(socket, weather))
        await person.page.add_init_script(f"({LATE})({weather.scroll_late_ms})")
        await person.log_in(PASSWORD)
        await person.open("Diary")
        await expect(person.messages.filter(has_text=f"number {MESSAGES - 1}")).to_be_in_viewport()
        cdp = await person.context.new_cdp_session(person.page)
        await cdp.send("Emulation.setCPUThrottlingRate", {"rate": weather.slower})
        return person

    yield arrive
    for person in arrived:
        await person.leave()
        assert person.errors == []


def late(socket: WebSocketRoute, weather: Weather) -> None:
    """Let the server's answers come late, in their order."""
    server = socket.connect_to_server()
    loop = asyncio.get_running_loop()
    pause_s = weather.answers_late_ms / 1000
    server.on_message(lambda message: loop.call_later(pause_s, socket.send, message) and None)


async def go_near(person: Person) -> None:
    """Scroll up until the next step lets older history be loaded."""
    box = person.page.locator(".timeline-scroll")
    while await box.evaluate("box => box.scrollTop") > NEAR_PX + STEP_PX:
        assert (await scroll(person, STEP_PX))["lost"] == 0


@pytest.mark.parametrize("weather", WEATHERS.values(), ids=WEATHERS)
async def test_what_is_used_stays_while_older_history_comes(visit: Visit, weather: Weather) -> None:
    person = await visit(weather)
    for _ in ("from the server", "from what the device keeps"):
        await go_near(person)
        await person.page.locator(".timeline-scroll").evaluate(SETTLE)
        seen = await scroll(person, STEP_PX, LOADED)
        assert seen["rows"] > 5
        assert seen["lost"] == 0
        assert seen["moved"] <= MOST_PX
        used = await person.page.evaluate(USED)
        assert used == {"focused": True, "playing": True, "selected": True}
        await person.page.reload()
        await expect(person.messages.filter(has_text=f"number {MESSAGES - 1}")).to_be_in_viewport()


@pytest.mark.parametrize("weather", WEATHERS.values(), ids=WEATHERS)
async def test_an_opened_menu_stays_while_older_history_comes(
    visit: Visit, weather: Weather
) -> None:
    person = await visit(weather)
    await go_near(person)
    page = person.page
    await page.locator(".timeline-scroll").evaluate(SETTLE)
    await page.keyboard.press("Enter")
    menu = page.get_by_role("menu")
    await expect(menu).to_be_visible()
    seen = await scroll(person, STEP_PX, LOADED)
    assert seen["lost"] == 0
    assert seen["moved"] <= MOST_PX
    await expect(menu).to_be_visible()
    await page.keyboard.press("Escape")
    assert (await page.evaluate(USED))["focused"]
