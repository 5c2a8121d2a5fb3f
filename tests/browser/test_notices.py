"""How somebody who looks elsewhere hears of a message; and the page as an app of its own."""

import json
import re

from playwright.async_api import expect

from .conftest import Enter
from .person import PHONE, TABLET, until

LISTEN = """() => {
    window.heard = [];
    window.Notification = class {
        static permission = 'granted';
        static requestPermission = async () => 'granted';
        constructor(title, options) { window.heard.push([title, options.body]); }
        close() {}
    };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...at) {
        window.heard.push('sound');
        return start.apply(this, at);
    };
    document.hasFocus = () => false;
}"""


async def test_a_message_is_told_by_sound_notification_and_title(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("first")
    page = bob.page
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Notifications").click()
    await page.evaluate(LISTEN)
    await page.get_by_role("switch", name=re.compile("notifications", re.IGNORECASE)).first.check()
    await page.wait_for_timeout(1100)  # there is at most one chime a second
    await ann.say("are you there?")
    await expect(page).to_have_title(re.compile(r"^\(2\)"))
    await until(lambda: page.evaluate("window.heard.length >= 3"))
    heard = await page.evaluate("window.heard")
    assert heard.count("sound") == 2
    assert ["Ann", "are you there?"] in heard
    await page.get_by_role("link", name="Chats").click()
    await bob.row("Ann").click(button="right")
    await page.get_by_role("menuitem", name="Mute").click()
    await ann.say("now in silence")
    await expect(bob.row("Ann")).to_contain_text("now in silence")
    assert len(await page.evaluate("window.heard")) == len(heard)


async def test_it_can_be_installed_and_fits_every_window(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann", is_offline_ready=True), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("x" * 300)
    await ann.page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    session = await ann.context.new_cdp_session(ann.page)
    manifest = await session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    told = json.loads(manifest["data"])
    assert told["display"] == "standalone"
    assert {icon["sizes"] for icon in told["icons"]} >= {"192x192", "512x512"}
    problems = (await session.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    assert [one for one in problems if one["errorId"] != "in-incognito"] == []
    for size in (TABLET, PHONE):
        await ann.page.set_viewport_size({"width": size.width, "height": size.height})
        panes = 0 if size == PHONE else 1
        await expect(ann.page.locator(".list-pane")).to_have_count(panes)
        await expect(ann.composer).to_be_in_viewport(ratio=1)
        assert await ann.page.evaluate("document.documentElement.scrollWidth") == size.width


async def test_the_theme_and_the_language_follow_the_system(enter: Enter) -> None:
    ann = await enter("ann", "安", language="zh")
    await expect(ann.page.get_by_role("link", name="通讯录")).to_be_visible()
    await expect(ann.page.locator("html")).to_have_attribute("lang", "zh-CN")
    for scheme in ("dark", "light"):
        await ann.page.emulate_media(color_scheme=scheme)
        await expect(ann.page.locator("html")).to_have_attribute("data-theme", scheme)
