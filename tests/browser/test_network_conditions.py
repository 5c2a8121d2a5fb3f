"""Networks that go and servers that fall: nothing is lost and nothing comes twice."""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.live_server import LiveServer

from .conftest import Enter
from .person import DESKTOP, PASSWORD, Person


async def test_without_a_network_the_page_opens_and_sends_when_it_is_back(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann", is_offline_ready=True), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("before the storm")
    await ann.page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    await ann.page.reload()
    await expect(ann.message("before the storm")).to_be_visible()
    await ann.context.set_offline(True)
    await ann.page.reload()
    await expect(ann.message("before the storm")).to_be_visible()
    await expect(ann.page.get_by_text("You are offline.")).to_be_visible()
    await ann.say("in the storm")
    await expect(
        ann.message("in the storm").get_by_role("img", name="Waiting to be sent")
    ).to_be_visible()
    await ann.context.set_offline(False)
    await expect(bob.row("Ann")).to_contain_text("in the storm")
    await bob.open("Ann")
    await expect(bob.message("in the storm")).to_have_count(1)
    await expect(ann.message("in the storm")).to_have_count(1)


async def test_a_server_that_is_killed_loses_and_doubles_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    server = LiveServer(tmp_path / "data", "rates.user_per_s=0")
    server.start()
    try:
        for handle, name in (("ann", "Ann"), ("bob", "Bob")):
            await server.add_user(handle, PASSWORD, name)
        ann = await Person.arrive(browser, server.url, "ann", "Ann", DESKTOP)
        bob = await Person.arrive(browser, server.url, "bob", "Bob", DESKTOP)
        for person in (ann, bob):
            await person.log_in(PASSWORD)
        await ann.open_direct(bob)
        await ann.say("message 0")
        await bob.open("Ann")
        server.kill()
        for number in range(1, 6):
            await ann.say(f"message {number}")
        await bob.say("an answer")
        server.start()
        for person in (ann, bob):
            for number in range(6):
                await expect(person.message(f"message {number}")).to_have_count(1, timeout=30_000)
            await expect(person.message("an answer")).to_have_count(1, timeout=30_000)
        await expect(ann.page.locator('.message[data-state="pending"]')).to_have_count(0)
        assert ann.errors + bob.errors == []
        await ann.leave()
        await bob.leave()
    finally:
        server.stop()


async def test_two_tabs_show_the_same(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.say("from the first tab")
    second = await ann.context.new_page()
    sockets: list[str] = []
    second.on("websocket", lambda socket: sockets.append(socket.url))
    await second.goto(ann.page.url)
    other = Person(ann.context, second, ann.url, ann.handle, ann.name)
    await expect(other.message("from the first tab")).to_have_count(1)
    await other.say("from the second tab")
    await expect(ann.message("from the second tab")).to_have_count(1)
    await bob.open("Ann")
    await bob.say("to both")
    await expect(ann.message("to both")).to_have_count(1)
    await expect(other.message("to both")).to_have_count(1)
    assert sockets == [], "the first tab's connection serves both"
    await ann.page.close()
    await other.say("the first tab is closed")
    await expect(bob.message("the first tab is closed")).to_have_count(1)
    assert len(sockets) == 1, "the second tab has taken over"
    assert other.errors == []
