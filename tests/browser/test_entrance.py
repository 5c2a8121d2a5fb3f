"""Coming in for the first time, and on a second device that is sent away again."""

from playwright.async_api import Browser, expect

from tests.e2e.servers import Server

from .conftest import Enter, handles
from .person import DESKTOP, PASSWORD, Person


async def test_somebody_registers_after_what_was_wrong_was_said(
    browser: Browser, server: Server
) -> None:
    handle = f"new_{next(handles)}"
    new = await Person.arrive(browser, server.url, handle, "New", DESKTOP)
    page = new.page
    await page.goto(server.url)
    await page.locator("input[name=username]").fill("nobody_at_all")
    await page.locator("input[name=password]").fill("quite wrong")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_have_text("The username or the password is wrong.")
    await page.get_by_role("button", name="Create an account").click()
    await page.locator("input[name=username]").fill(handle)
    await page.locator("input[name=name]").fill("Newcomer")
    await page.locator("input[name=password]").fill("password1")
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_role("alert")).to_contain_text("This password is too weak")
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_role("link", name="My profile: Newcomer")).to_be_visible()
    await expect(page.get_by_text("No conversations yet")).to_be_visible()
    await new.leave()
    assert new.errors == []


async def test_a_device_is_removed_from_another(
    browser: Browser, server: Server, enter: Enter
) -> None:
    ann = await enter("ann", "Ann")
    other = await Person.arrive(browser, server.url, ann.handle, "Ann", DESKTOP)
    await other.log_in(PASSWORD)
    await ann.page.get_by_role("link", name="Settings").click()
    await ann.page.get_by_role("link", name="Devices").click()
    await ann.page.locator("li.row").get_by_role("button").click()
    removed = other.page.get_by_text("This device was removed. Please log in again.")
    await expect(removed).to_be_visible()
    await other.leave()
    await expect(ann.page.get_by_text("This device", exact=True)).to_be_visible()
