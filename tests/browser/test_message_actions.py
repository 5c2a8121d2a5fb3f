"""What else is done with messages and groups: pins, retries, emoji, requests, admins."""

import re

from playwright.async_api import expect

from .conftest import Enter
from .person import PHONE


async def test_a_message_is_pinned_found_and_searched(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("the key is under the mat")
    await ann.say("something else")
    await ann.choose("the key is under the mat", "Pin message")
    await bob.open("Ann")
    await expect(bob.events.get_by_text("Ann pinned a message")).to_be_visible()
    await bob.page.get_by_role("button", name="Pinned messages").click()
    pane = bob.page.locator(".detail-pane")
    await pane.get_by_role("button", name=re.compile("under the mat")).click()
    target = bob.message("the key is under the mat")
    await expect(target).to_have_attribute("data-highlighted", "true")
    await bob.page.get_by_role("button", name="Search in conversation").click()
    await pane.get_by_role("searchbox").fill("something")
    await expect(pane.get_by_role("button", name=re.compile("something else"))).to_be_visible()
    await bob.page.locator(".list-header").get_by_role("searchbox").fill("under the")
    found = bob.page.get_by_role("region", name="Search results")
    await expect(found.locator("mark")).to_have_text("under the")


async def test_what_was_refused_is_sent_again_or_discarded(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Quiet", bob)
    await bob.open("Quiet")
    await ann.page.get_by_role("button", name="Details").click()
    await ann.page.get_by_role("region", name="Members").get_by_role("button", name="Bob").click()
    await bob.context.set_offline(True)
    await bob.say("one word")
    await bob.say("another word")
    await ann.dialog.get_by_role("button", name="Mute", exact=True).click()
    await expect(ann.dialog.get_by_role("button", name="Unmute")).to_be_visible()
    await bob.context.set_offline(False)
    refused = bob.page.get_by_role("alert").filter(has_text="You are muted here.")
    await expect(refused).to_have_count(2)
    await ann.dialog.get_by_role("button", name="Unmute").click()
    await expect(bob.composer).to_be_visible()
    await refused.last.get_by_role("button", name="Discard").click()
    await refused.first.get_by_role("button", name="Try again").click()
    await expect(bob.message("one word")).to_have_attribute("data-state", "sent")
    await expect(bob.message("another word")).to_have_count(0)
    await expect(ann.message("one word")).to_have_count(1)


HIDDEN = """() => {
    const seen = new WeakSet();
    window.hidden = 0;
    new MutationObserver(() => {
        for (const row of document.querySelectorAll('.timeline-row')) {
            const isHidden = getComputedStyle(row).visibility === 'hidden';
            if (!isHidden) seen.add(row);
            else if (seen.has(row)) window.hidden += 1;
        }
    }).observe(document.body, {childList: true, subtree: true, attributes: true});
}"""
"""Count how often a row is hidden that was to be seen."""


async def test_a_row_is_not_hidden_when_another_comes_in_above(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Harbour", bob)
    await bob.open("Harbour")
    await ann.open("Harbour")
    await bob.page.evaluate(HIDDEN)
    await bob.context.set_offline(True)
    await bob.say("this waits")
    await bob.say("this waits too, and is as long as two lines. " * 5)
    await ann.say("this comes first")
    await bob.context.set_offline(False)
    await expect(bob.message("this comes first")).to_be_visible()
    await expect(bob.message("this waits")).to_have_attribute("data-state", "sent")
    assert await bob.page.evaluate("window.hidden") == 0


async def test_emoji_are_found_and_drawn_large(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob", PHONE)
    await ann.open_direct(bob)
    await ann.page.get_by_role("button", name="Emoji").click()
    await ann.page.get_by_role("searchbox", name="Search emoji").fill("goose")
    await ann.page.get_by_role("button", name=re.compile("goose|🪿")).first.click()
    await ann.page.keyboard.press("Escape")
    await ann.composer.press("Enter")
    await bob.open("Ann")
    await expect(bob.page.locator(".large-emoji")).to_have_text("🪿")


async def test_a_group_is_asked_for_filled_handed_over_and_left(enter: Enter) -> None:
    ann, bob, eve = await enter("ann", "Ann"), await enter("bob", "Bob"), await enter("eve", "Eve")
    await ann.make_group("Guild", bob)
    await ann.page.get_by_role("button", name="Details").click()
    await ann.page.get_by_role("button", name="Add members").click()
    await ann.dialog.get_by_role("searchbox").fill(eve.handle)
    await ann.dialog.get_by_role("checkbox", name="Eve").check()
    await ann.dialog.get_by_role("button", name="Add 1").click()
    await expect(ann.events.get_by_text("Ann added Eve")).to_be_visible()
    members = ann.page.get_by_role("region", name="Members")
    await members.get_by_role("button", name="Eve").click()
    await ann.dialog.get_by_role("button", name="Remove from group").click()
    await ann.confirm()
    await expect(ann.events.get_by_text("Ann removed Eve")).to_be_visible()
    await eve.row("Guild").click()
    await expect(eve.page.get_by_text("You are no longer in this conversation")).to_be_visible()
    await members.get_by_role("button", name="Bob").click()
    await ann.dialog.get_by_role("button", name="Make owner").click()
    await ann.confirm()
    await expect(ann.events.get_by_text("Ann made Bob the owner")).to_be_visible()
    await ann.page.keyboard.press("Escape")
    await ann.page.get_by_role("button", name="Leave group").click()
    await ann.confirm()
    await bob.open("Guild")
    await expect(bob.events.get_by_text("Ann left")).to_be_visible()


async def test_a_conversation_is_marked_unread_and_read_and_a_channel_followed(
    enter: Enter,
) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.page.get_by_role("button", name="New", exact=True).click()
    await ann.page.get_by_role("menuitem", name="New channel").click()
    await ann.dialog.get_by_label("Name", exact=True).fill("News")
    await ann.dialog.get_by_role("searchbox").fill(bob.handle)
    await ann.dialog.get_by_role("checkbox", name="Bob").check()
    await ann.dialog.get_by_role("button", name="Create").click()
    await ann.say("it is spring")
    await bob.row("News").click(button="right")
    await bob.page.get_by_role("menuitem", name="Mark as read").click()
    await expect(bob.row("News").locator(".badge")).to_have_count(0)
    await bob.row("News").click(button="right")
    await bob.page.get_by_role("menuitem", name="Mark as unread").click()
    await expect(bob.row("News").get_by_role("img", name="Marked as unread")).to_be_visible()
    await bob.page.get_by_role("button", name="Unread", exact=True).click()
    await bob.open("News")
    await expect(bob.page.get_by_text("Only admins can post in this channel")).to_be_visible()
