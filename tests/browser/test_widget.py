"""The widget in a shop on another origin: two people talk, nobody is asked for a password."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from .person import DESKTOP, PHONE, Size
from .shop import Shop, Visitor, site_of
from .test_accessibility import violations

BUDGET_BYTES = 60_000
DESK, CUSTOMER, OTHER = "shop-desk", "wang-wei", "li-na"
Come = Callable[..., Awaitable[Visitor]]
PICTURE = Path(__file__).parents[2] / "web" / "public" / "icon-192.png"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    running = Shop(tmp_path_factory.mktemp("shop"))
    running.start()
    yield running
    running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def come(browser: Browser, shop: Shop) -> AsyncIterator[Come]:
    """Lets somebody come; they leave without an error on their pages, or of the policy."""
    came: list[Visitor] = []

    async def enter(account: str = "", at: Shop = shop, **how: Any) -> Visitor:
        came.append(await Visitor.enter(browser, at, account, **how))
        return came[-1]

    yield enter
    for one in came:
        await one.context.close()
    assert [error for one in came for error in one.errors] == []


async def _order(shop: Shop, visitor: Visitor) -> int:
    """Buy something, and be on the page of the order."""
    await visitor.go("/")
    await visitor.page.get_by_role("button", name="Buy: Goose quill").click()
    await visitor.page.wait_for_url("**/orders/*")
    await visitor.ready()
    return int(visitor.page.url.rpartition("/")[2])


async def test_a_customer_and_the_desk_talk_both_ways(come: Come, shop: Shop) -> None:
    customer = await come(CUSTOMER)
    desk = await come(DESK)
    number = await _order(shop, customer)
    await customer.page.get_by_role("button", name=f"order {number}").click()
    await customer.say("is my quill sharp?")
    seen = customer.message("is my quill sharp?").get_by_role("img", name="Read")
    await expect(seen).to_have_count(0)
    await desk.go(f"/desk/{number}")
    await expect(seen).to_have_count(1)
    await expect(desk.message("is my quill sharp?")).to_have_count(1)
    await desk.composer.press_sequentially("very")
    await expect(customer.panel.locator(".typing-line")).to_contain_text("Bright Lamps")
    await desk.say("very sharp 😀")
    await expect(customer.message("very sharp 😀")).to_have_count(1)
    await customer.message("is my quill sharp?").hover()
    await customer.panel.get_by_role("button", name="More", exact=True).last.click()
    await expect(customer.page.get_by_role("menuitem", name="Reply")).to_be_visible()
    await expect(customer.page.get_by_role("menuitem", name="Forward")).to_have_count(0)
    await customer.page.keyboard.press("Escape")
    await expect(customer.page.get_by_role("menuitem")).to_have_count(0)
    await expect(customer.panel).to_be_visible()
    await expect(customer.page.locator("dd.last")).to_have_text("very sharp 😀")
    for _ in range(40):  # the webhook brings it to the shop's own pages
        await customer.go(f"/orders/{number}")
        if await customer.page.locator("dd.last").inner_text() == "very sharp 😀":
            break
    await expect(customer.page.locator("dd.last")).to_have_text("very sharp 😀")


async def test_edits_and_recalls_are_seen(come: Come, shop: Shop) -> None:
    customer = await come(CUSTOMER)
    desk = await come(DESK)
    number = await _order(shop, customer)
    await customer.launcher.click()
    await customer.say("two of thse")
    await desk.go(f"/desk/{number}")
    await expect(desk.message("two of thse")).to_be_visible()
    await customer.composer.press("ArrowUp")
    await customer.composer.fill("two of these")
    await customer.composer.press("Enter")
    await expect(desk.message("two of these")).to_contain_text("edited")
    await customer.message("two of these").click(button="right")
    await customer.page.get_by_role("menuitem", name="Recall").click()
    await customer.page.locator("dialog[open] footer button").last.click()
    await expect(desk.panel.get_by_text("Wang Wei recalled a message")).to_be_visible()


async def test_unread_messages_are_counted_and_told_while_it_is_closed(
    come: Come, shop: Shop
) -> None:
    customer = await come(CUSTOMER)
    desk = await come(DESK)
    number = await _order(shop, customer)
    await desk.go(f"/desk/{number}")
    await desk.say("your order is packed")
    await desk.say("and on its way")
    await expect(customer.launcher.locator(".count")).to_have_text("2")
    await expect(customer.launcher).to_have_accessible_name("Open chat, 2 unread messages")
    await expect(customer.page.locator("hongyan-chat [role=status]").first).to_contain_text(
        "and on its way"
    )
    await expect(customer.page).to_have_title(f"(2) Order {number} · Bright Lamps")
    await customer.page.reload()
    await expect(customer.launcher.locator(".count")).to_have_text("2")
    await customer.launcher.click()
    await expect(customer.message("and on its way")).to_be_visible()
    await expect(customer.launcher.locator(".count")).to_have_text("")
    await expect(customer.page).to_have_title(f"Order {number} · Bright Lamps")


async def test_a_page_learns_of_it_by_events_and_rules_it_by_methods(
    come: Come, shop: Shop
) -> None:
    customer = await come(CUSTOMER)
    desk = await come(DESK)
    number = await _order(shop, customer)
    await customer.page.evaluate("""() => {
        window.told = [];
        for (const name of ["open", "close", "unread", "message"])
            addEventListener(`hongyan-${name}`, (e) => told.push([name, e.detail]));
    }""")
    await desk.go(f"/desk/{number}")
    await desk.say("hello")
    await expect(customer.launcher.locator(".count")).to_have_text("1")
    assert await customer.widget.evaluate("(chat) => [chat.unread, chat.isOpen]") == [1, False]
    await customer.widget.evaluate("(chat) => chat.open()")
    await expect(customer.message("hello")).to_be_visible()
    await expect(customer.launcher.locator(".count")).to_have_text("")
    await customer.widget.evaluate("(chat) => chat.close()")
    await expect(customer.panel).to_have_count(0)
    told = await customer.page.evaluate("() => told")
    assert [name for name, _ in told if name in ("open", "close")] == ["open", "close"]
    assert [detail["count"] for name, detail in told if name == "unread"] == [1, 0]
    (message,) = [detail for name, detail in told if name == "message"]
    assert (message["sender"], message["text"]) == ("Bright Lamps", "hello")


async def test_one_device_for_many_pages_and_a_new_one_when_it_was_removed(
    come: Come, shop: Shop
) -> None:
    customer = await come(OTHER)
    asked: list[str] = []
    customer.page.on("request", lambda request: asked.append(request.url))
    number = await _order(shop, customer)
    await customer.go(f"/orders/{number}")
    await customer.ready()
    first = [url for url in asked if url.endswith("/auth/login-token")]
    assert first
    await customer.go(f"/orders/{number}")
    await customer.ready()
    assert [url for url in asked if url.endswith("/auth/login-token")] == first
    assert len([url for url in asked if "/chat/token" in url]) >= 3
    await customer.launcher.click()
    await customer.say("before")
    async with shop.server() as server:
        minted = await server.post(f"/app/users/{OTHER}/login-tokens", json={})
        async with customer.page.expect_response("**/auth/login-token"):
            kicked = await server.post(f"/admin/users/{minted.json()['user_id']}/kick", json={})
            assert kicked.status_code == 200, kicked.text
    await customer.ready()
    await expect(customer.message("before")).to_be_visible()
    await customer.say("after")
    await expect(customer.panel.locator('.message[data-state="pending"]')).to_have_count(0)
    await expect(customer.message("after")).to_have_count(1)
    again = [url for url in asked if url.endswith("/auth/login-token")]
    assert len(again) == len(first) + 1


async def test_whoever_logs_out_leaves_nothing_to_the_next_one(come: Come, shop: Shop) -> None:
    visitor = await come(CUSTOMER)
    await _order(shop, visitor)
    await visitor.launcher.click()
    await visitor.say("for my eyes only")
    await visitor.page.get_by_role("button", name="Log out").click()
    await expect(visitor.page.locator("header").get_by_role("link", name="Log in")).to_be_visible()
    kept = await visitor.page.evaluate("""async () => {
        const found = [];
        for (const { name } of await indexedDB.databases()) {
            const db = await new Promise((done) => {
                const asked = indexedDB.open(name);
                asked.onsuccess = () => done(asked.result);
            });
            for (const store of db.objectStoreNames) {
                found.push(await new Promise((done) => {
                    const asked = db.transaction(store).objectStore(store).getAll();
                    asked.onsuccess = () => done(JSON.stringify(asked.result));
                }));
            }
            db.close();
        }
        return found.join();
    }""")
    assert "for my eyes only" not in kept
    assert "accessToken" not in kept
    await visitor.log_in(OTHER)
    await visitor.go("/orders/1001")  # it is the first one's
    await expect(visitor.widget).to_have_count(0)


async def test_pictures_go_and_come(come: Come, shop: Shop) -> None:
    customer = await come(CUSTOMER)
    desk = await come(DESK)
    number = await _order(shop, customer)
    await customer.launcher.click()
    await expect(customer.composer).to_be_visible()
    await customer.panel.locator("input[type=file]").set_input_files(PICTURE)
    dialog = customer.page.locator("dialog[open]")
    await dialog.get_by_label("Caption").fill("it came like this")
    await dialog.get_by_role("button", name="Send").click()
    await expect(customer.message("it came like this")).to_have_count(1)
    await desk.go(f"/desk/{number}")
    picture = desk.message("it came like this").locator("img")
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("(image) => image.naturalWidth") > 0
    await desk.message("it came like this").locator("button.picture").click()
    await expect(desk.page.locator("dialog[open] img")).to_be_visible()


async def test_a_server_that_is_killed_loses_and_doubles_nothing(
    come: Come, tmp_path: Path
) -> None:
    shop = Shop(tmp_path)
    shop.start()
    try:
        customer = await come(CUSTOMER, at=shop)
        desk = await come(DESK, at=shop)
        await customer.go("/orders/1001")
        await customer.ready()
        await customer.launcher.click()
        await customer.say("message 0")
        await desk.go("/desk/1001")
        await expect(desk.message("message 0")).to_be_visible()
        shop.chat.kill()
        for number in range(1, 4):
            await customer.say(f"message {number}")
        await expect(customer.panel.locator(".connection-bar")).to_be_visible()
        shop.chat.start()
        for number in range(4):
            await expect(desk.message(f"message {number}")).to_have_count(1, timeout=30_000)
            await expect(customer.message(f"message {number}")).to_have_count(1)
        await expect(customer.panel.locator(".connection-bar")).to_have_count(0, timeout=30_000)
        await expect(customer.panel.locator('.message[data-state="pending"]')).to_have_count(0)
    finally:
        shop.stop()


async def test_a_page_of_another_site_is_refused_and_told_so(come: Come, shop: Shop) -> None:
    visitor = await come()
    async with shop.server() as server:
        minted = await server.post(f"/app/users/{CUSTOMER}/login-tokens", json={})
    token = minted.json()["login_token"]
    page = f"""<!doctype html><html lang="en"><title>Another site</title><body>
        <hongyan-chat token="{token}" open></hongyan-chat>
        <script src="{shop.chat.url}/widget.js"></script></body></html>"""
    with site_of(page) as url:
        await visitor.page.goto(url)
        await visitor.stands("unreachable")
        await expect(visitor.panel).to_contain_text("This page may not use the chat")
    async with shop.server() as server:
        still_good = await server.post("/auth/login-token", json={"login_token": token})
    assert still_good.status_code == 200  # the stranger's page has not used it


async def test_whoever_is_not_logged_in_is_asked_to(come: Come) -> None:
    customer = await come(CUSTOMER)
    await customer.go("/orders/1001")
    await customer.ready()
    await customer.context.clear_cookies()
    await customer.widget.evaluate("(chat) => { chat.open(); chat.reconnect(); }")
    await customer.stands("signedOut")
    await expect(customer.panel).to_contain_text("Please log in first")


async def test_a_conversation_that_is_not_ones_own_cannot_be_opened(come: Come) -> None:
    customer = await come(OTHER)
    await customer.go("/orders/1002")
    await customer.ready()
    await customer.widget.evaluate(
        "(chat) => { chat.setAttribute('external-id', 'order-1001'); chat.open(); }"
    )
    await customer.stands("refused")
    await expect(customer.panel).to_contain_text("cannot be opened")


async def test_a_customer_writes_to_a_person_whom_the_host_vouches_for(
    come: Come, shop: Shop
) -> None:
    customer = await come(CUSTOMER)
    await customer.go("/")
    await customer.ready()
    await customer.launcher.click()
    await expect(customer.panel.locator("h2").first).to_have_text("Bright Lamps")
    await customer.say("do you sell sealing wax?")
    await customer.widget.evaluate(f"(chat) => chat.setAttribute('with', '{OTHER}')")
    await customer.stands("signedOut")  # the shop lets nobody write to other customers
    await customer.widget.evaluate("(chat) => chat.removeAttribute('with')")
    await customer.ready()
    await customer.panel.get_by_role("button", name="Bright Lamps").first.click()
    await expect(customer.message("do you sell sealing wax?")).to_be_visible()


async def test_a_telephone_has_it_on_the_whole_screen(come: Come) -> None:
    customer = await come(CUSTOMER, viewport=PHONE)
    await customer.go("/orders/1001?lang=zh")
    await customer.ready()
    await expect(customer.launcher).to_have_accessible_name("打开聊天")
    await customer.launcher.click()
    await expect(customer.composer).to_be_visible()
    box = await customer.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": PHONE.width, "height": PHONE.height}
    await expect(customer.panel).to_have_attribute("aria-modal", "true")
    await customer.say("你好")
    for _ in range(12):  # the focus stays inside
        await customer.page.keyboard.press("Tab")
        assert await customer.page.evaluate("document.activeElement.localName") == "hongyan-chat"
    await customer.panel.get_by_role("button", name="关闭").click()
    await expect(customer.panel).to_have_count(0)
    await expect(customer.launcher).to_be_focused()


async def test_the_keyboard_alone_opens_writes_and_closes(come: Come) -> None:
    customer = await come(CUSTOMER)
    await customer.go("/orders/1003")
    await customer.ready()
    await customer.launcher.focus()
    await customer.page.keyboard.press("Enter")
    await expect(customer.composer).to_be_focused()
    await customer.page.keyboard.type("by hand")
    await customer.page.keyboard.press("Enter")
    await expect(customer.message("by hand")).to_have_count(1)
    await customer.page.keyboard.press("Escape")
    await customer.panel.locator("h2").wait_for()
    await customer.panel.focus()
    await customer.page.keyboard.press("Escape")
    await expect(customer.panel).to_have_count(0)
    await expect(customer.launcher).to_be_focused()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
async def test_axe_finds_nothing(come: Come, shop: Shop, is_dark: bool, viewport: Size) -> None:
    customer = await come(CUSTOMER, viewport=viewport, dark=is_dark, bypass_csp=True)
    desk = await come(DESK, dark=is_dark, bypass_csp=True)
    number = await _order(shop, customer)
    await desk.go(f"/desk/{number}")
    await desk.say("hello")
    await expect(customer.launcher.locator(".count")).to_have_text("1")
    found = {"closed": await violations(customer.page)}
    await customer.launcher.click()
    await customer.say("hello yourself")
    await expect(customer.message("hello").first).to_be_visible()
    found["open"] = await violations(customer.page)
    await customer.panel.get_by_role("button", name="Emoji").click()
    await expect(customer.panel.locator(".emoji-line").first).to_be_visible()
    found["emoji"] = await violations(customer.page)
    found["desk"] = await violations(desk.page)
    assert {name: lines for name, lines in found.items() if lines} == {}


async def test_before_it_is_opened_it_is_small(come: Come, shop: Shop) -> None:
    customer = await come(CUSTOMER)
    asked: set[str] = set()
    customer.page.on("request", lambda request: asked.add(request.url))
    await customer.go("/orders/1001")
    await customer.ready()
    scripts = {url for url in asked if url.startswith(f"{shop.chat.url}/widget")}
    assert len(scripts) >= 2
    total = 0
    async with shop.server() as server:
        for url in scripts:
            async with server.stream("GET", url, headers={"accept-encoding": "gzip"}) as answer:
                total += sum([len(piece) async for piece in answer.aiter_raw()])
            assert ("immutable" in answer.headers["cache-control"]) == ("/widget/" in url)
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
            assert answer.headers["access-control-allow-origin"] == "*"
        page = await server.get(shop.chat.url)
    assert 10_000 < total <= BUDGET_BYTES
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers.get("access-control-allow-origin") is None
