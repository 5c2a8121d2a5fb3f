"""The history holds its place: what is looked at stays where it is on the screen."""

import asyncio

from playwright.async_api import expect

from hongyan_sdk import Client

from .conftest import Enter
from .person import PASSWORD, Person

MOST_PX = 2
"""How far a message may move while the history changes around it."""
ONE_LINE_PX = 50
"""What rows that were never drawn may turn out higher or lower."""
STEP_PX = 400

WATCH = """(box, px) => {
    box.scrollTop -= px;
    const middle = box.getBoundingClientRect().top + box.clientHeight / 2;
    const top = (one) => one.getBoundingClientRect().top;
    const distance = (one) => Math.abs(top(one) - middle);
    const all = [...box.querySelectorAll('.message')];
    const seen = all.reduce((best, one) => (distance(one) < distance(best) ? one : best));
    const before = top(seen);
    const watch = (window.watched = {moved: 0, frames: 0, height: box.scrollHeight, on: true});
    const look = () => {
        const moved = seen.isConnected ? Math.abs(top(seen) - before) : Infinity;
        watch.moved = Math.max(watch.moved, moved);
        watch.frames += 1;
        watch.grown = box.scrollHeight - watch.height;
        if (watch.on) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
"""Scroll; then look in each frame how far the message in the middle has moved."""

SETTLED = "() => window.watched.frames > 12 && !document.querySelector('.timeline-spinner')"


async def talk(person: Person, begin: int, count: int, pause_s: float = 0) -> None:
    """Say so many things of different lengths, from another device."""
    async with Client.login(person.url, person.handle, PASSWORD) as client:
        chat = client.chat(client.conversations()[0].conversation_id)
        for number in range(begin, begin + count):
            await chat.send_text(f"number {number}" + " and so on" * (number * 7 % 23))
            await asyncio.sleep(pause_s)


async def watched(person: Person) -> dict[str, float]:
    """Stop looking; return what was seen."""
    seen: dict[str, float] = await person.page.evaluate("watched.on = false, watched")
    return seen


async def test_nothing_moves_while_the_history_grows_at_either_end(enter: Enter) -> None:
    ann = await enter("ann", "Ann")
    await ann.make_group("Diary")
    await talk(ann, 0, 200)
    await expect(ann.row("Diary")).to_contain_text("number 199")
    await ann.page.reload()
    await expect(ann.messages.filter(has_text="number 199")).to_be_in_viewport()
    history = ann.page.locator(".timeline-scroll")
    loads = 0
    for _ in range(100):
        await history.evaluate(WATCH, STEP_PX)
        await ann.page.wait_for_function(SETTLED)
        seen = await watched(ann)
        assert seen["moved"] <= MOST_PX
        loads += seen["grown"] > STEP_PX
        if await history.evaluate("box => box.scrollTop") == 0:
            break
    assert loads >= 2
    await history.evaluate(WATCH, -STEP_PX)
    await talk(ann, 200, 8)
    await expect(ann.row("Diary")).to_contain_text("number 207")
    await ann.page.wait_for_function(SETTLED)
    assert (await watched(ann))["moved"] <= MOST_PX


async def test_whoever_scrolls_up_is_not_taken_back_by_what_arrives(enter: Enter) -> None:
    ann = await enter("ann", "Ann")
    await ann.make_group("Busy")
    await talk(ann, 0, 60)
    history = ann.page.locator(".timeline-scroll")
    await expect(ann.messages.filter(has_text="number 59")).to_be_in_viewport()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(talk(ann, 60, 200, pause_s=0.02))
        await expect(ann.row("Busy")).not_to_contain_text("number 59")
        await history.evaluate(WATCH, STEP_PX)
    await expect(ann.row("Busy")).to_contain_text("number 259")
    seen = await watched(ann)
    assert seen["moved"] <= ONE_LINE_PX  # rows that came in a burst are first measured now
    assert seen["grown"] > 4 * STEP_PX
    await ann.page.get_by_role("button", name="Jump to latest").click()
    await expect(ann.messages.filter(has_text="number 259")).to_be_in_viewport()
