"""Groups, contacts, invite links, and what admins do."""

import re

from playwright.async_api import expect

from .conftest import Enter

HIT_ENTER = """area => {
    const options = {key: 'Enter', bubbles: true, cancelable: true};
    area.dispatchEvent(new KeyboardEvent('keydown', options));
    return [area.value, area.selectionStart];
}"""


async def test_friends_are_asked_for_answered_named_and_blocked(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.page.get_by_role("button", name="New", exact=True).click()
    await ann.page.get_by_role("menuitem", name="Add contact").click()
    await ann.dialog.get_by_role("searchbox").fill(bob.handle)
    await ann.dialog.get_by_role("button", name="Search", exact=True).click()
    await ann.dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(ann.dialog.get_by_role("button", name="Requested")).to_be_disabled()
    await ann.dialog.get_by_role("button", name="Close").click()
    await bob.page.get_by_role("link", name="Contacts").click()
    await bob.page.get_by_role("button", name="Requests (1)").click()
    await bob.page.get_by_role("button", name="Accept").click()
    await ann.page.get_by_role("link", name="Contacts").click()
    await ann.page.locator(".list-pane").get_by_role("link", name="Bob").click()
    await ann.page.get_by_label("Your name for them").fill("Bobby")
    await ann.page.get_by_role("button", name="Save", exact=True).click()
    await expect(ann.page.get_by_role("heading", name="Bobby").first).to_be_visible()
    await ann.page.get_by_role("switch", name="Block").check()
    await ann.page.get_by_role("button", name="Blocked").click()
    await expect(ann.page.locator(".list-pane")).to_contain_text("Bobby")


async def test_a_group_with_roles_mentions_readers_and_a_muted_member(enter: Enter) -> None:
    ann, bob, eve = await enter("ann", "Ann"), await enter("bob", "Bob"), await enter("eve", "Eve")
    await ann.make_group("Orchard", bob, eve)
    await expect(ann.page.locator(".conversation-state")).to_have_text("3 members")
    await ann.composer.press_sequentially("hello @Bo")
    await expect(ann.page.get_by_role("option", name="Bob")).to_be_visible()
    text, caret = await ann.composer.evaluate(HIT_ENTER)
    assert (text, caret) == ("hello @Bob ", len(text))  # at once: one may be typing on
    await ann.composer.press_sequentially("look here")
    await ann.composer.press("Enter")
    await expect(bob.row("Orchard").get_by_role("img", name="You were mentioned")).to_be_visible()
    await expect(eve.row("Orchard").locator(".mention-mark")).to_have_count(0)
    await bob.open("Orchard")
    await ann.choose("hello @Bob look here", "Seen by")
    await expect(ann.dialog).to_contain_text("Bob")
    await ann.dialog.get_by_role("button", name="Close").click()
    await ann.page.get_by_role("button", name="Details").click()
    members = ann.page.get_by_role("region", name="Members")
    await members.get_by_role("button", name="Bob").click()
    await ann.dialog.get_by_role("button", name="Make admin").click()
    await expect(members).to_contain_text("Admin")
    await ann.dialog.get_by_role("button", name="Close").click()
    await members.get_by_role("button", name="Eve").click()
    await ann.dialog.get_by_role("button", name="Mute", exact=True).click()
    await eve.row("Orchard").click()
    await expect(eve.page.get_by_text("You are muted here")).to_be_visible()


async def test_the_settings_of_a_group(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Choir", bob)
    await bob.open("Choir")
    await ann.page.get_by_role("button", name="Details").click()
    await ann.page.get_by_role("button", name="Group settings").click()
    settings = ann.page.get_by_role("region", name="Group settings")
    await settings.get_by_label("Name", exact=True).fill("Great Choir")
    await settings.get_by_label("Announcement", exact=True).fill("We sing on Monday.")
    await settings.get_by_role("button", name="Save").click()
    await expect(bob.page.locator(".conversation-who h1")).to_have_text("Great Choir")
    await settings.get_by_role("switch", name="Only admins can write").check()
    await expect(bob.page.get_by_text("Only admins can write at the moment")).to_be_visible()
    await ann.page.get_by_role("button", name="Dissolve group").click()
    await ann.confirm()
    await expect(bob.page.get_by_text("This group was dissolved")).to_be_visible()


async def test_a_link_leads_into_a_group(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Harbour")
    await ann.page.get_by_role("button", name="Details").click()
    await ann.page.get_by_role("button", name="Invite links and QR codes").click()
    await ann.dialog.get_by_role("button", name="Create link").click()
    await expect(ann.dialog.get_by_role("img", name=re.compile("^QR code"))).to_be_visible()
    link = await ann.dialog.locator("code").inner_text()
    await bob.page.goto(link)
    await bob.page.get_by_role("button", name="Join group").click()
    await expect(bob.page.locator(".conversation-who h1")).to_have_text("Harbour")
    await expect(ann.events.get_by_text("Bob joined by invite link")).to_be_visible()


async def test_a_conversation_is_pinned_muted_put_away_and_hidden(enter: Enter) -> None:
    ann = await enter("ann", "Ann")
    await ann.make_group("First")
    await ann.make_group("Second")
    await expect(ann.rows.first).to_contain_text("Second")
    await ann.row("First").click(button="right")
    await ann.page.get_by_role("menuitem", name="Pin to top").click()
    await expect(ann.rows.first).to_contain_text("First")
    await ann.row("Second").click(button="right")
    await ann.page.get_by_role("menuitem", name="Archive").click()
    await expect(ann.row("Second")).to_have_count(0)
    await ann.page.get_by_role("button", name="Archived").click()
    await expect(ann.row("Second")).to_be_visible()
    await ann.page.get_by_role("button", name="All", exact=True).click()
    await ann.row("First").click(button="right")
    await ann.page.get_by_role("menuitem", name="Hide conversation").click()
    await expect(ann.row("First")).to_have_count(0)


async def test_a_folder_is_made_filled_and_emptied(enter: Enter) -> None:
    ann = await enter("ann", "Ann")
    for name in ("First", "Second", "Third"):
        await ann.make_group(name)

    async def open_folder_dialog(title: str) -> None:
        await ann.row(title).click(button="right")
        await ann.page.get_by_role("menuitem", name="Move to folder").click()

    await open_folder_dialog("First")
    await ann.dialog.get_by_label("Folder name").fill("Work")
    await ann.dialog.get_by_role("button", name="Save").click()
    folder = ann.page.get_by_role("group", name="Filter").get_by_role("button", name="Work")
    await expect(folder).to_be_visible()
    await open_folder_dialog("Second")
    await ann.dialog.get_by_role("button", name="Work").click()
    await folder.click()
    await expect(ann.rows).to_have_count(2)
    await expect(ann.row("Third")).to_have_count(0)
    for title, left in (("First", 1), ("Second", 3)):
        await open_folder_dialog(title)
        await ann.dialog.get_by_role("button", name="Remove from folder").click()
        await expect(ann.rows).to_have_count(left)
    await expect(folder).to_have_count(0)


async def test_profile_devices_and_logging_out(enter: Enter) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.get_by_role("link", name="Settings").click()
    await ann.page.get_by_role("textbox", name="Name", exact=True).fill("Ann of the Lake")
    await ann.page.get_by_role("button", name="Save", exact=True).click()
    await expect(ann.page.get_by_role("link", name="My profile: Ann of the Lake")).to_be_visible()
    await ann.page.get_by_role("link", name="Devices").click()
    await expect(ann.page.get_by_text("This device")).to_be_visible()
    await ann.page.get_by_role("link", name="Appearance and language").click()
    await ann.page.get_by_label("Theme").select_option("dark")
    await expect(ann.page.locator("html")).to_have_attribute("data-theme", "dark")
    await ann.page.get_by_label("Language").select_option("zh")
    await expect(ann.page.get_by_role("heading", name="外观与语言")).to_be_visible()
    await ann.page.get_by_role("button", name="退出登录").click()
    await ann.confirm()
    await expect(ann.page.get_by_role("button", name="登录", exact=True)).to_be_visible()
    await ann.page.reload()
    await expect(ann.page.get_by_role("button", name="登录", exact=True)).to_be_visible()
