"""Every view in both themes: no violation that axe can find; and the keyboard goes everywhere."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import Enter
from .person import DESKTOP, PHONE, Person, Size
from .test_rules import open_settings

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DRAW_IN = "theme => { document.documentElement.dataset.theme = theme }"


async def violations(page: Page) -> list[str]:
    """Return what axe finds, a line each."""
    if not await page.evaluate("typeof window.axe === 'object'"):
        await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']} {node['html'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


async def in_both_themes(page: Page) -> list[str]:
    """Return what axe finds on the page in each theme."""
    found: list[str] = []
    for theme in ("light", "dark"):
        await page.evaluate(DRAW_IN, theme)
        found += [f"{theme}: {line}" for line in await violations(page)]
    return found


async def _conversation(person: Person) -> None:
    await person.open("Geese")


async def _details(person: Person) -> None:
    await person.open("Geese")
    await person.page.get_by_role("button", name="Details").click()
    await expect(person.page.get_by_role("region", name="Members")).to_contain_text("Owner")
    await person.page.get_by_role("button", name="Group settings").click()


async def _menu(person: Person) -> None:
    await person.open("Geese")
    await person.message("hello").click(button="right")
    await expect(person.page.get_by_role("menu")).to_be_visible()


async def _emoji(person: Person) -> None:
    await person.open("Geese")
    await person.page.get_by_role("button", name="Emoji").click()
    await expect(person.page.locator(".emoji-line").first).to_be_visible()


async def _selection(person: Person) -> None:
    await person.open("Geese")
    await person.choose("hello", "Select")


def _dialog(item: str) -> Callable[[Person], Awaitable[None]]:
    async def show(person: Person) -> None:
        await person.page.get_by_role("button", name="New", exact=True).click()
        await person.page.get_by_role("menuitem", name=item).click()
        await expect(person.dialog).to_be_visible()

    return show


def _place(path: str) -> Callable[[Person], Awaitable[None]]:
    async def show(person: Person) -> None:
        await person.page.goto(person.url + path)
        await expect(person.page.locator(".shell")).to_be_visible()
        await expect(person.page.locator(".spinner")).to_have_count(0)

    return show


async def _palette(person: Person) -> None:
    await person.page.keyboard.press("Control+k")
    await expect(person.dialog).to_be_visible()


async def _help(person: Person) -> None:
    await person.page.locator(".rail a").first.focus()
    await person.page.keyboard.press("?")
    await expect(person.dialog).to_be_visible()


async def _results(person: Person) -> None:
    await person.page.locator(".list-header").get_by_role("searchbox").fill("hello")
    await expect(person.page.locator(".results mark").first).to_be_visible()


def _beside(action: str) -> Callable[[Person], Awaitable[None]]:
    async def show(person: Person) -> None:
        await person.open("Geese")
        await person.page.get_by_role("button", name="Details").click()
        await person.page.get_by_role("button", name=action, exact=True).click()
        await expect(person.dialog).to_be_visible()
        await expect(person.page.locator(".spinner")).to_have_count(0)

    return show


def _of_message(action: str) -> Callable[[Person], Awaitable[None]]:
    async def show(person: Person) -> None:
        await person.open("Geese")
        await person.choose("hello", action)
        await expect(person.dialog).to_be_visible()

    return show


async def _poll(person: Person) -> None:
    await person.open("Geese")
    await person.page.get_by_role("button", name="Attach or create poll").click()
    await person.page.get_by_role("menuitem", name="Create poll").click()
    await expect(person.dialog).to_be_visible()


async def _app_password(person: Person) -> None:
    await person.page.goto(f"{person.url}/settings/account")
    await person.page.get_by_role("button", name="Create app password").click()
    await expect(person.dialog).to_be_visible()


VIEWS: dict[str, Callable[[Person], Awaitable[None]]] = {
    "list": _place("/"),
    "conversation": _conversation,
    "details": _details,
    "menu": _menu,
    "emoji": _emoji,
    "selection": _selection,
    "add contact": _dialog("Add contact"),
    "new group": _dialog("New group"),
    "contacts": _place("/contacts"),
    "favourites": _place("/favourites"),
    "profile": _place("/settings/profile"),
    "appearance": _place("/settings/appearance"),
    "notifications": _place("/settings/notifications"),
    "privacy": _place("/settings/privacy"),
    "devices": _place("/settings/devices"),
    "account": _place("/settings/account"),
    "app password": _app_password,
    "search": _results,
    "invite links": _beside("Invite links and QR codes"),
    "add members": _beside("Add members"),
    "a member": _beside("Bob"),
    "forward": _of_message("Forward"),
    "readers": _of_message("Seen by"),
    "poll": _poll,
    "nowhere": _place("/join/no-such-link"),
    "palette": _palette,
    "help": _help,
}
ON_A_PHONE = (
    "list",
    "conversation",
    "details",
    "menu",
    "emoji",
    "new group",
    "contacts",
    "profile",
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_on_any_view(enter: Enter, size: Size) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.make_group("Geese", bob)
    await ann.say("hello")
    await bob.open("Geese")
    await bob.say("hello yourself")
    await expect(ann.message("hello yourself")).to_be_visible()
    await ann.page.set_viewport_size({"width": size.width, "height": size.height})
    views = VIEWS if size == DESKTOP else {name: VIEWS[name] for name in ON_A_PHONE}
    found: list[str] = []
    for name, show in views.items():
        await ann.page.goto(ann.url)
        await expect(ann.page.locator(".rail")).to_be_visible()
        await show(ann)
        found += [f"{name}, {line}" for line in await in_both_themes(ann.page)]
    assert found == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_where_somebody_asks_to_join_a_slow_group(
    enter: Enter, size: Size
) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob", size)
    await ann.make_group("Market")
    settings = await open_settings(ann)
    await settings.get_by_label("Slow mode").select_option("10")
    await settings.get_by_label("Who can join").select_option("approval")
    await ann.page.get_by_role("button", name="Invite links and QR codes").click()
    await expect(ann.dialog).to_contain_text("anybody can ask to join here")
    found = await in_both_themes(ann.page)
    address = await ann.dialog.locator("code").inner_text()
    await ann.dialog.get_by_role("button", name="Close").click()
    await bob.page.goto(address)
    ask = bob.page.get_by_role("button", name="Ask to join")
    await expect(ask).to_be_visible()
    found += await in_both_themes(bob.page)
    await ask.click()
    await expect(bob.page.get_by_text("You have asked to join.")).to_be_visible()
    found += await in_both_themes(bob.page)
    await ann.page.get_by_role("button", name="Join requests").click()
    await expect(ann.dialog.get_by_role("button", name="Accept")).to_be_visible()
    found += await in_both_themes(ann.page)
    await ann.dialog.get_by_role("button", name="Accept").click()
    await expect(bob.page.get_by_text("Slow mode: one message every 10 seconds")).to_be_visible()
    found += await in_both_themes(bob.page)
    assert found == []


async def test_axe_finds_nothing_on_a_telephone_and_at_the_entrance(enter: Enter) -> None:
    ann = await enter("ann", "Ann", PHONE)
    await ann.make_group("Geese")
    await ann.say("hello")
    found = await violations(ann.page)
    await ann.page.get_by_role("button", name="Back").click()
    await expect(ann.row("Geese")).to_be_visible()
    found += await violations(ann.page)
    await ann.page.goto(f"{ann.url}/settings")
    await ann.page.get_by_role("button", name="Log out").click()
    await ann.confirm()
    await expect(ann.page.get_by_role("button", name="Log in")).to_be_visible()
    found += await violations(ann.page)
    await ann.page.get_by_role("button", name="Create an account").click()
    found += await violations(ann.page)
    assert found == []


async def test_the_keyboard_alone_opens_writes_answers_and_closes(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("can you hear me?")
    page = bob.page
    await expect(bob.row("Ann")).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(bob.dialog).to_be_visible()
    await page.keyboard.type("Ann")
    await page.keyboard.press("Enter")
    await expect(bob.composer).to_be_focused()
    await expect(bob.message("can you hear me?")).to_be_visible()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("ArrowUp")
    await expect(bob.message("can you hear me?")).to_be_focused()
    await page.keyboard.press("r")
    await expect(bob.composer).to_be_focused()
    await page.keyboard.type("yes")
    await page.keyboard.press("Enter")
    await expect(ann.message("yes").locator(".quote")).to_contain_text("can you hear me?")
    await expect(ann.page.locator("[role=log].visually-hidden")).to_contain_text("yes")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(bob.dialog).to_contain_text("Keyboard shortcuts")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
