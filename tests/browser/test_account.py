"""One's picture, one's password, and whom one does not want to hear."""

from playwright.async_api import Browser, expect

from hongyan.domain.user.commands_admin import CreateResetCode
from hongyan.kernel.ids import UserId
from tests.e2e.servers import Server

from .conftest import Enter
from .person import DESKTOP, PASSWORD, Person
from .test_files import png

SECOND_PASSWORD = "the geese fly south"
THIRD_PASSWORD = "the geese come home"


async def test_a_picture_of_oneself_is_seen_by_others_and_taken_away(enter: Enter) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.get_by_role("link", name="Settings").click()
    picture = {"name": "me.png", "mimeType": "image/png", "buffer": png(60, 30)}
    await ann.page.locator(".avatar-picker input").set_input_files(picture)
    mine = ann.page.locator(".rail-me img")
    await expect(mine).to_be_visible()
    sides = await mine.evaluate("it => it.decode().then(() => [it.naturalWidth, it.naturalHeight])")
    assert sides[0] == sides[1] > 0
    bob = await enter("bob", "Bob")
    await bob.open_direct(ann)
    await expect(bob.page.locator(".conversation-who .avatar img")).to_be_visible()
    await ann.page.get_by_role("button", name="Remove picture").click()
    await expect(mine).to_have_count(0)


async def test_a_password_is_changed_and_set_anew_with_a_code(
    browser: Browser, server: Server, enter: Enter
) -> None:
    ann = await enter("ann", "Ann")
    other = await Person.arrive(browser, server.url, ann.handle, "Ann", DESKTOP)
    await other.log_in(PASSWORD)
    await ann.page.get_by_role("link", name="Settings").click()
    await ann.page.get_by_role("link", name="Account and security").click()
    await ann.page.get_by_role("button", name="Change password").click()
    await ann.dialog.get_by_label("New password").fill(SECOND_PASSWORD)
    await ann.dialog.get_by_label("Current password").fill("not this one")
    await ann.confirm()
    await expect(ann.dialog.get_by_role("alert")).to_have_text("The password is wrong.")
    await ann.dialog.get_by_label("Current password").fill(PASSWORD)
    await ann.confirm()
    await expect(ann.dialog).to_have_count(0)
    ended = "The password was changed. Please log in with the new one."
    await expect(other.page.get_by_text(ended)).to_be_visible()
    await other.log_in(SECOND_PASSWORD)
    lost = await Person.arrive(browser, server.url, ann.handle, "Ann", DESKTOP)
    await lost.page.goto(server.url)
    await lost.page.get_by_role("button", name="Forgot password").click()
    await lost.page.get_by_label("Username, email or phone").fill(ann.handle)
    await lost.page.get_by_role("button", name="Send code").click()
    await expect(lost.page.get_by_role("alert")).to_contain_text("This server cannot send mail.")
    await lost.page.get_by_role("button", name="I have a code").click()
    await lost.page.get_by_label("New password").fill(THIRD_PASSWORD)
    await lost.page.get_by_label("Code").fill("00000000")
    await lost.page.get_by_role("button", name="Set new password").click()
    await expect(lost.page.get_by_role("alert")).to_contain_text("The code is wrong")
    made = await server.call(CreateResetCode(user_id=UserId(ann.user_id)))
    await lost.page.get_by_label("Code").fill(made.code)
    await lost.page.get_by_role("button", name="Set new password").click()
    await expect(lost.page.get_by_role("button", name="Log in")).to_be_visible()
    for person in (ann, other):
        await expect(person.page.get_by_text(ended)).to_be_visible()
    await lost.log_in(THIRD_PASSWORD)
    for person in (other, lost):
        await person.leave()
        assert person.errors == []


async def test_whom_somebody_blocked_reaches_them_no_more(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("are you there?")
    await expect(ann.page.locator(".conversation-state")).to_have_text("Online")
    await bob.open("Ann")
    await bob.page.get_by_role("button", name="Details").click()
    block = bob.page.get_by_role("switch", name="Block")
    await block.check()
    await expect(block).to_be_checked()
    await ann.say("hello?")
    refused = ann.page.get_by_role("alert").filter(has_text="does not take your messages")
    await expect(refused).to_be_visible()
    await ann.page.reload()
    await expect(refused).to_be_visible()
    await expect(ann.page.get_by_text("Online", exact=True)).to_have_count(0)
    await expect(bob.messages).to_have_count(1)
    await block.uncheck()
    await expect(block).not_to_be_checked()
    await refused.get_by_role("button", name="Try again").click()
    await expect(bob.message("hello?")).to_be_visible()


async def test_a_program_gets_a_password_of_its_own_and_loses_it(
    browser: Browser, server: Server, enter: Enter
) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.goto(f"{server.url}/settings/account")
    section = ann.page.get_by_role("region", name="App passwords")
    await section.get_by_role("button", name="Create app password").press("Enter")
    await ann.dialog.get_by_label("What is it for?").fill("Mail program")
    await ann.dialog.get_by_label("Current password").fill("not this one")
    await ann.dialog.get_by_role("button", name="Create app password").click()
    await expect(ann.dialog.get_by_role("alert")).to_have_text("The password is wrong.")
    await ann.dialog.get_by_label("Current password").fill(PASSWORD)
    await ann.page.keyboard.press("Enter")
    secret = await ann.dialog.get_by_role("status").inner_text()
    assert len(secret) == 26
    await ann.page.keyboard.press("Escape")
    await expect(ann.dialog).to_have_count(0)
    await expect(section.get_by_text("never used")).to_be_visible()
    assert secret not in await ann.page.content()
    other = await Person.arrive(browser, server.url, ann.handle, "Ann", DESKTOP)
    await other.log_in(secret)
    await ann.page.reload()
    await expect(section.get_by_text("used just now")).to_be_visible()
    await section.get_by_role("button", name="Revoke “Mail program”").click()
    await ann.confirm()
    await expect(section.get_by_text("Mail program")).to_have_count(0)
    await expect(other.page.get_by_text("This device was removed.")).to_be_visible()
