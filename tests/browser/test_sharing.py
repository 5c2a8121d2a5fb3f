"""Files that are pasted, dropped, paused and looked at."""

import io
import re

import av
from PIL import Image
from playwright.async_api import expect

from .conftest import Enter
from .person import Person, until
from .test_files import png

SLOW_BYTES_PER_S = 400_000
LARGE = bytes(range(256)) * 8_000

GIVE_FILES = """([target, kind, files]) => {
    const given = new DataTransfer();
    for (const [name, type, bytes] of files)
        given.items.add(new File([new Uint8Array(bytes)], name, {type}));
    const common = {bubbles: true, cancelable: true};
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', {...common, clipboardData: given})
        : new DragEvent(kind, {...common, dataTransfer: given});
    document.querySelector(target).dispatchEvent(event);
}"""


async def slow_down(person: Person, bytes_per_s: int) -> None:
    """Make the network slow; -1 for as fast as it is."""
    session = await person.context.new_cdp_session(person.page)
    limits = {"offline": False, "latency": 0}
    both = {"downloadThroughput": bytes_per_s, "uploadThroughput": bytes_per_s}
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", limits | both)


def video() -> bytes:
    """Return a second of video."""
    with io.BytesIO() as written:
        with av.open(written, "w", format="webm") as container:
            stream = container.add_stream("libvpx", rate=10)
            stream.width, stream.height = 160, 90
            for step in range(10):
                image = Image.new("RGB", (160, 90), (step * 20, 90, 90))
                container.mux(stream.encode(av.VideoFrame.from_image(image)))
            container.mux(stream.encode(None))
        return written.getvalue()


def pdf(text: str) -> bytes:
    """Return a page that says this."""
    drawn = f"BT /F1 24 Tf 40 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body = b"%PDF-1.4\n"
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    begin = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return body + end % (len(objects) + 1, begin)


async def test_files_are_pasted_and_dropped(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    picture = ["pasted.png", "image/png", [*png(40, 30)]]
    await ann.page.evaluate(GIVE_FILES, [".composer-text", "paste", [picture]])
    await expect(ann.dialog).to_contain_text("pasted.png")
    await ann.dialog.get_by_role("button", name="Send").click()
    await expect(ann.page.locator(".picture img")).to_be_visible()
    dropped = [["one.txt", "text/plain", [49]], ["two.txt", "text/plain", [50]]]
    await ann.page.evaluate(GIVE_FILES, [".timeline", "dragover", dropped])
    await expect(ann.page.locator("body[data-dropping]")).to_be_attached()
    await ann.page.evaluate(GIVE_FILES, [".timeline", "drop", dropped])
    await ann.dialog.get_by_role("button", name="Remove one.txt").click()
    await ann.dialog.get_by_role("button", name="Send").click()
    await bob.open("Ann")
    await expect(bob.page.get_by_role("button", name=re.compile("two.txt"))).to_be_visible()
    await expect(bob.page.locator(".picture img")).to_be_visible()
    await expect(bob.page.get_by_text("one.txt")).to_have_count(0)


async def test_an_upload_and_a_download_pause_and_go_on(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    await slow_down(ann, SLOW_BYTES_PER_S)
    large = {"name": "large.bin", "mimeType": "application/octet-stream", "buffer": LARGE}
    await ann.page.locator("input[type=file]").set_input_files(large)
    await ann.dialog.get_by_role("button", name="Send").click()
    await expect(ann.page.get_by_role("progressbar", name="Upload of large.bin")).to_be_visible()
    await ann.page.get_by_role("button", name="Pause upload").click()
    await expect(ann.page.get_by_role("button", name="Resume upload")).to_be_visible()
    await slow_down(ann, -1)
    await ann.page.get_by_role("button", name="Resume upload").click()
    await bob.open("Ann")
    file = bob.page.get_by_role("button", name=re.compile("large.bin.*MB"))
    await expect(file).to_be_visible()
    await slow_down(bob, SLOW_BYTES_PER_S)
    await file.click()
    progress = bob.page.get_by_role("progressbar", name="Download of large.bin")
    await expect(progress).not_to_have_js_property("value", 0)
    await bob.page.get_by_role("button", name="Pause download").click()
    await expect(bob.page.get_by_role("button", name="Resume download")).to_be_visible()
    before = await progress.evaluate("bar => bar.value")
    assert 0 < before < 1
    await slow_down(bob, -1)
    async with bob.page.expect_download() as waiting:
        await bob.page.get_by_role("button", name="Resume download").click()
    saved = await (await waiting.value).path()
    assert saved.read_bytes() == LARGE


async def test_a_video_and_a_document_are_looked_at(enter: Enter) -> None:
    ann, bob = await enter("ann", "Ann"), await enter("bob", "Bob")
    await ann.open_direct(bob)
    files = [
        {"name": "geese.webm", "mimeType": "video/webm", "buffer": video()},
        {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": pdf("Wild geese")},
    ]
    await ann.page.locator("input[type=file]").set_input_files(files)
    await ann.dialog.get_by_role("button", name="Send").click()
    await bob.open("Ann")
    await bob.page.get_by_role("button", name=re.compile("Video geese.webm")).click()
    shown = bob.dialog.locator("video")
    await expect(shown).not_to_have_js_property("videoWidth", 0)
    await bob.dialog.get_by_role("button", name="Close").click()
    await bob.page.get_by_role("button", name=re.compile("letter.pdf")).click()
    await expect(bob.dialog.locator("iframe")).to_have_attribute("src", re.compile("^blob:"))

    async def has_viewer() -> bool:
        """The browser's own viewer is no part of the page."""
        texts = [await frame.content() for frame in bob.page.frames]
        return any("chrome://resources" in text for text in texts)

    await until(has_viewer)
