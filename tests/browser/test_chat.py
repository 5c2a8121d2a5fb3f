"""Two people write to each other, and one of them has a telephone."""

import re

from playwright.async_api import expect

from hongyan_sdk import Client

from .conftest import Enter
from .person import PASSWORD, PHONE, Person
from .watching import MOST_PX, scroll, watch, watched


async def talk(person: Person, count: int, begin: int = 0) -> None:
    """Say so many numbers in the one conversation of a person, from another of their devices."""
    async with Client.login(person.url, person.handle, PASSWORD) as client:
        chat = client.chat(client.conversations()[0].conversation_id)
        for number in range(begin, begin + count):
            await chat.send_text(f"number {number}")


async def test_a_message_goes_to_and_fro_and_its_ticks_tell_how_far(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("hello Bob")
    await expect(bob.row("Ann")).to_contain_text("hello Bob")
    await expect(bob.row("Ann").locator(".badge")).to_have_text("1")
    await expect(bob.page).to_have_title(re.compile(r"^\(1\)"))
    await expect(ann.message("hello Bob").get_by_role("img", name="Delivered")).to_be_visible()
    await bob.open("Ann")
    await expect(ann.message("hello Bob").get_by_role("img", name="Read")).to_be_visible()
    await expect(bob.row("Ann").locator(".badge")).to_have_count(0)
    await bob.composer.press_sequentially("hello")
    await expect(ann.page.locator(".conversation-state")).to_have_text("typing…")
    await bob.composer.press("Enter")
    await expect(ann.message("hello").last).to_be_visible()


async def test_a_new_name_is_seen_where_the_chat_is_open(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("hello Bob")
    await bob.open("Ann")
    async with Client.login(ann.url, ann.handle, PASSWORD) as client:
        await client.call("user.update", name="Annabel")
    await expect(bob.row("Annabel")).to_contain_text("hello Bob")
    await expect(bob.page.get_by_role("heading", name="Annabel")).to_be_visible()


async def test_edit_react_reply_recall_and_write_anew(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("lunch at nine")
    await bob.open("Ann")
    await ann.composer.press("ArrowUp")
    await ann.composer.fill("lunch at noon")
    await ann.composer.press("Enter")
    await expect(bob.message("lunch at noon")).to_contain_text("edited")
    await bob.message("lunch at noon").hover()
    await bob.page.get_by_role("button", name="Add reaction").click()
    await bob.page.get_by_role("button", name="👍").click()
    await expect(ann.message("lunch at noon").locator(".reaction")).to_contain_text("1")
    await bob.choose("lunch at noon", "Reply")
    await bob.say("gladly")
    await expect(ann.message("gladly").locator(".quote")).to_contain_text("lunch at noon")
    await ann.choose("lunch at noon", "Recall")
    await ann.confirm()
    await expect(bob.events.get_by_text("Ann recalled a message")).to_be_visible()
    await ann.page.get_by_role("button", name="Edit again").click()
    await expect(ann.composer).to_have_value("lunch at noon")


async def test_chinese_composition_does_not_send(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    session = await ann.context.new_cdp_session(ann.page)
    await ann.composer.focus()
    composing = {"text": "nihao", "selectionStart": 5, "selectionEnd": 5}
    await session.send("Input.imeSetComposition", composing)
    await ann.page.keyboard.press("Enter")
    await expect(ann.messages).to_have_count(0)
    await session.send("Input.insertText", {"text": "你好"})
    await ann.composer.fill("你好")
    await ann.composer.press("Shift+Enter")
    await ann.composer.press_sequentially("second line")
    await ann.composer.press("Enter")
    await expect(ann.message("你好\nsecond line")).to_be_visible()


async def test_a_draft_stays_and_is_marked(enter: Enter) -> None:
    ann, bob, eve = await enter("ann", "Ann"), await enter("bob", "Bob"), await enter("eve", "Eve")
    await ann.open_direct(bob)
    await ann.say("first")
    await ann.composer.fill("not yet finished")
    await ann.open_direct(eve)
    await expect(ann.row("Bob")).to_contain_text("Draft: not yet finished")
    await ann.open("Bob")
    await expect(ann.composer).to_have_value("not yet finished")


async def test_forward_several_as_one_and_keep_a_favourite(enter: Enter) -> None:
    ann, bob, eve = await enter("ann", "Ann"), await enter("bob", "Bob"), await enter("eve", "Eve")
    await ann.open_direct(eve)
    await ann.say("for Eve")
    await ann.open_direct(bob)
    await ann.say("the first")
    await ann.say("the second")
    await expect(ann.message("the second").get_by_role("img", name="Delivered")).to_be_visible()
    await ann.choose("the first", "Select")
    await ann.message("the second").get_by_role("checkbox").check()
    await ann.page.get_by_role("button", name="Forward").click()
    await ann.dialog.get_by_role("checkbox", name="Eve").check()
    await ann.dialog.get_by_role("button", name="Send to 1 conversation").click()
    await eve.open("Ann")
    await eve.page.locator(".merged-card").click()
    await expect(eve.dialog).to_contain_text("the second")
    await ann.choose("the second", "Save")
    await ann.page.get_by_role("link", name="Saved").click()
    await expect(ann.page.locator(".list-pane")).to_contain_text("the second")


async def test_a_poll_is_answered(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Walks", bob)
    await ann.page.get_by_role("button", name="Attach or create poll").click()
    await ann.page.get_by_role("menuitem", name="Create poll").click()
    await ann.dialog.get_by_label("Question").fill("Where to?")
    await ann.dialog.get_by_label("Option 1").fill("the lake")
    await ann.dialog.get_by_label("Option 2").fill("the hill")
    await ann.dialog.get_by_role("button", name="Start poll").click()
    await bob.open("Walks")
    await bob.page.get_by_role("button", name="the hill").click()
    await expect(ann.page.get_by_role("button", name=re.compile("the hill.*1"))).to_be_visible()
    await ann.page.get_by_role("button", name="See votes").click()
    await expect(ann.dialog).to_contain_text("Bob")
    await ann.dialog.get_by_role("button", name="Close").click()
    await ann.page.get_by_role("button", name="Close poll").click()
    await expect(bob.page.get_by_role("button", name="the lake")).to_be_disabled()


async def test_on_a_telephone_the_list_and_the_conversation_are_stacked(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob", PHONE)
    await ann.open_direct(bob)
    await ann.say("are you on your way?")
    await bob.open("Ann")
    await expect(bob.page.locator(".list-pane")).to_have_count(0)
    await bob.say("nearly there")
    await expect(ann.message("nearly there")).to_be_visible()
    await bob.page.get_by_role("button", name="Back").click()
    await expect(bob.row("Ann")).to_contain_text("nearly there")
    width = await bob.page.evaluate("document.documentElement.scrollWidth")
    assert width == PHONE.width


async def test_a_link_to_a_message_leads_there_through_a_long_history(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await talk(ann, 60)
    await expect(ann.message("number 59")).to_be_visible()
    await ann.page.locator(".timeline-scroll").evaluate("box => (box.scrollTop = 0)")
    await ann.choose("number 2", "Copy link")
    link = await ann.page.evaluate("navigator.clipboard.readText()")
    await bob.page.goto(link)
    await expect(bob.message("number 2")).to_be_in_viewport()
    await expect(bob.message("number 2")).to_have_attribute("data-highlighted", "true")
    assert await bob.messages.count() <= 60


async def test_history_opens_at_the_first_unread_and_stays_there(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("seen")
    await bob.open("Ann")
    await expect(bob.row("Ann").locator(".badge")).to_have_count(0)
    await bob.page.get_by_role("link", name="Chats").click()
    await talk(ann, 120)
    await expect(bob.row("Ann").locator(".badge")).to_have_text("99+")
    await bob.open("Ann")
    first = bob.message("number 0")
    await expect(first).to_be_in_viewport(ratio=1)
    await expect(bob.page.locator(".unread-line")).to_be_in_viewport()
    await expect(bob.page.get_by_role("button", name="Jump to latest")).to_be_visible()
    assert await bob.page.locator(".timeline-row").count() <= 60
    await scroll(bob, 0)
    await watch(bob, 0)
    await talk(ann, 5, begin=120)
    await expect(bob.row("Ann")).to_contain_text("number 124")
    seen = await watched(bob)
    assert (seen["lost"], seen["moved"] <= MOST_PX) == (0, True)
    await bob.page.get_by_role("button", name="Jump to latest").click()
    await expect(bob.message("number 124")).to_be_in_viewport()
    await expect(bob.row("Ann").locator(".badge")).to_have_count(0)


async def test_an_anonymous_poll_takes_several_answers(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Supper", bob)
    await ann.page.get_by_role("button", name="Attach or create poll").click()
    await ann.page.get_by_role("menuitem", name="Create poll").click()
    await ann.dialog.get_by_label("Question").fill("What shall we cook?")
    for number, dish in enumerate(("rice", "soup", "fish"), start=1):
        await ann.dialog.get_by_label(f"Option {number}").fill(dish)
    await ann.dialog.get_by_label("Ends").select_option("day")
    await ann.dialog.get_by_role("switch", name="Several answers").check()
    await ann.dialog.get_by_role("switch", name="Anonymous").check()
    await ann.dialog.get_by_role("button", name="Start poll").click()
    await bob.open("Supper")
    poll = bob.page.get_by_role("group", name="Poll: What shall we cook?")
    await expect(poll).to_contain_text(re.compile("Choose any · Anonymous · Ends "))
    for dish in ("rice", "fish"):
        await poll.get_by_role("button", name=dish).click()
        await expect(poll.get_by_role("button", name=dish, pressed=True)).to_be_visible()
    seen = ann.page.get_by_role("group", name="Poll: What shall we cook?")
    await expect(seen.locator(".poll-count")).to_have_text(["1", "0", "1"])
    await expect(seen).to_contain_text("1 vote")
    await expect(seen.get_by_role("button", name="See votes")).to_have_count(0)
    await poll.get_by_role("button", name="rice").click()
    await expect(seen.locator(".poll-count")).to_have_text(["0", "0", "1"])


async def test_what_a_message_said_before_can_be_looked_up(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("at one")
    for earlier, later in (("at one", "at two"), ("at two", "at three")):
        await expect(ann.message(earlier)).to_have_attribute("data-state", "sent")
        await ann.choose(earlier, "Edit")
        await ann.say(later)
    await bob.open("Ann")
    await expect(bob.message("at three")).to_contain_text("edited")
    for person in (ann, bob):
        await person.choose("at three", "Edit history")
        await expect(person.dialog.locator(".revisions p")).to_have_text(["at one", "at two"])
