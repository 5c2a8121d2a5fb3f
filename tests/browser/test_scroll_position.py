"""The history holds its place: what is looked at stays where it is on the screen."""

import asyncio

from playwright.async_api import expect

from hongyan_sdk import Client

from .conftest import Enter
from .person import PASSWORD, Person
from .watching import MOST_PX, scroll, watch, watched

ONE_LINE_PX = 50
"""What rows that were never drawn may turn out higher or lower."""
STEP_PX = 400


async def talk(person: Person, begin: int, count: int, pause_s: float = 0) -> None:
    """Say so many things of different lengths, from another device."""
    async with Client.login(person.url, person.handle, PASSWORD) as client:
        chat = client.chat(client.conversations()[0].conversation_id)
        for number in range(begin, begin + count):
            await chat.send_text(f"number {number}" + " and so on" * (number * 7 % 23))
            await asyncio.sleep(pause_s)


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
        seen = await scroll(ann, STEP_PX)
        assert seen["lost"] == 0
        assert seen["moved"] <= MOST_PX
        loads += seen["grown"] > STEP_PX
        if await history.evaluate("box => box.scrollTop") == 0:
            break
    assert loads >= 2
    await watch(ann, -STEP_PX)
    await talk(ann, 200, 8)
    await expect(ann.row("Diary")).to_contain_text("number 207")
    seen = await watched(ann)
    assert (seen["lost"], seen["moved"] <= MOST_PX) == (0, True)


async def test_whoever_scrolls_up_is_not_taken_back_by_what_arrives(enter: Enter) -> None:
    ann = await enter("ann", "Ann")
    await ann.make_group("Busy")
    await talk(ann, 0, 60)
    await expect(ann.messages.filter(has_text="number 59")).to_be_in_viewport()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(talk(ann, 60, 200, pause_s=0.02))
        await expect(ann.row("Busy")).not_to_contain_text("number 59")
        await watch(ann, STEP_PX)
    await expect(ann.row("Busy")).to_contain_text("number 259")
    seen = await watched(ann)
    assert seen["moved"] <= ONE_LINE_PX  # rows that came in a burst are first measured now
    assert seen["grown"] > 4 * STEP_PX
    await ann.page.get_by_role("button", name="Jump to latest").click()
    await expect(ann.messages.filter(has_text="number 259")).to_be_in_viewport()
