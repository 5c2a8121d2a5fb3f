"""Pictures, files and voice messages."""

import io
import re

from PIL import Image
from playwright.async_api import expect

from .conftest import Enter


def png(width: int, height: int, colour: str = "teal") -> bytes:
    """Return a picture of one colour."""
    with io.BytesIO() as written:
        Image.new("RGB", (width, height), colour).save(written, "PNG")
        return written.getvalue()


async def test_a_picture_goes_over_and_is_looked_at(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    picture = {"name": "red.png", "mimeType": "image/png", "buffer": png(10, 10)}
    await ann.page.locator("input[type=file]").set_input_files(picture)
    await ann.dialog.get_by_label("Caption").fill("look")
    await ann.dialog.get_by_role("button", name="Send").click()
    await bob.open("Ann")
    shown = bob.page.locator(".picture img")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 10
    await expect(bob.message("look")).to_be_visible()
    await bob.page.locator(".picture").click()
    await expect(bob.dialog.locator("img")).to_be_visible()


async def test_a_file_is_saved(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    notes = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"remember the milk"}
    await ann.page.locator("input[type=file]").set_input_files(notes)
    await ann.dialog.get_by_role("button", name="Send").click()
    await bob.open("Ann")
    async with bob.page.expect_download() as waiting:
        await bob.page.get_by_role("button", name=re.compile("notes.txt")).click()
    saved = await (await waiting.value).path()
    assert saved.read_bytes() == b"remember the milk"


async def test_a_voice_message_is_recorded_and_heard(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await ann.page.get_by_role("button", name="Record voice message").click()
    await expect(ann.page.get_by_role("timer")).to_have_text("0:01")
    await ann.page.get_by_role("button", name="Send").click()
    await bob.open("Ann")
    play = bob.page.get_by_role("button", name="Play voice message")
    await expect(play).to_be_enabled()
    await play.click()
    await expect(bob.page.locator(".waveform rect[data-heard]").first).to_be_attached()
