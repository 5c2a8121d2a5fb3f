"""The rules that a group's owner sets, and how its members meet them."""

from playwright.async_api import Locator, expect

from .conftest import Enter
from .person import Person


async def open_settings(person: Person) -> Locator:
    """Open the settings of the group that is open."""
    await person.page.get_by_role("button", name="Details").click()
    await person.page.get_by_role("button", name="Group settings").click()
    return person.page.get_by_role("region", name="Group settings")


async def test_slow_mode_keeps_a_member_waiting(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Market", bob)
    settings = await open_settings(ann)
    await settings.get_by_label("Slow mode").select_option("10")
    await bob.open("Market")
    await expect(bob.page.get_by_text("Slow mode: one message every 10 seconds")).to_be_visible()
    await bob.say("fresh fish")
    await expect(bob.message("fresh fish")).to_have_attribute("data-state", "sent")
    await bob.say("very fresh fish")
    await ann.say("admins need not wait")
    await ann.say("not at all")
    await expect(bob.message("not at all")).to_be_visible()
    waiting = bob.message("very fresh fish")
    await expect(waiting.get_by_role("img", name="Waiting to be sent")).to_be_visible()
    await expect(waiting).to_have_attribute("data-state", "sent")
    said = await ann.messages.locator(".text").all_inner_texts()
    assert said.index("very fresh fish") > said.index("not at all")
    await settings.get_by_label("Slow mode").select_option("0")
    await expect(bob.page.get_by_text("Slow mode:")).to_have_count(0)


async def test_what_the_permission_table_says_members_meet(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Council", bob)
    await ann.say("welcome")
    await bob.open("Council")
    await bob.page.get_by_role("button", name="Details").click()
    add = bob.page.get_by_role("button", name="Add members")
    members = bob.page.get_by_role("region", name="Members")
    await expect(add).to_be_visible()
    await expect(members).to_be_visible()
    settings = await open_settings(ann)
    await settings.get_by_label("Invite people").select_option("admin")
    await expect(add).to_have_count(0)
    await settings.get_by_label("See the member list").select_option("owner")
    await expect(members).to_have_count(0)
    await settings.get_by_label("Edit name and announcement").select_option("member")
    await expect(bob.page.get_by_role("button", name="Group settings")).to_be_visible()
    await settings.get_by_label("Pin messages").select_option("member")
    await expect(settings.get_by_label("Pin messages")).to_have_value("member")
    await bob.choose("welcome", "Pin message")
    await expect(ann.events.get_by_text("Bob pinned a message")).to_be_visible()
    await settings.get_by_label("Write messages").select_option("admin")
    await expect(bob.page.get_by_text("Only admins can write at the moment")).to_be_visible()
    await settings.get_by_label("Write messages").select_option("member")
    await bob.say("thank you")
    await expect(ann.message("thank you")).to_be_visible()


async def test_somebody_asks_to_join_is_declined_asks_again_and_is_let_in(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Birders")
    settings = await open_settings(ann)
    await settings.get_by_label("Who can join").select_option("approval")
    await settings.get_by_label("Question for newcomers").fill("Which bird did you see last?")
    save = settings.locator("form").filter(has_text="Question for newcomers").get_by_role("button")
    await save.click()
    await expect(ann.events.get_by_text("Ann changed the group's settings")).to_have_count(2)
    await ann.page.get_by_role("button", name="Invite links and QR codes").click()
    await expect(ann.dialog).to_contain_text("anybody can ask to join here")
    address = await ann.dialog.locator("code").inner_text()
    await ann.dialog.get_by_role("button", name="Close").click()
    await ann.page.get_by_role("button", name="Join requests").click()
    await expect(ann.dialog).to_contain_text("No requests")
    await bob.page.goto(address)
    for answer, action in (("none", "Decline"), ("a goose", "Accept")):
        await bob.page.get_by_label("Which bird did you see last?").fill(answer)
        await bob.page.get_by_role("button", name="Ask to join").click()
        await expect(bob.page.get_by_text("You have asked to join.")).to_be_visible()
        await expect(ann.dialog).to_contain_text(answer)
        await ann.dialog.get_by_role("button", name=action).click()
        await expect(ann.dialog).to_contain_text("No requests")
        if action == "Decline":
            declined = bob.page.get_by_role("alert").get_by_text("request to join was declined")
            await expect(declined).to_be_visible()
    await expect(bob.page.locator(".conversation-who h1")).to_have_text("Birders")
    await bob.say("hello, birds")
    await expect(ann.message("hello, birds")).to_be_visible()
    await expect(ann.events.get_by_text("Ann let Bob join")).to_be_attached()
