"""What the server finds out about files, and what it survives while it does."""

import io
import os

import httpx
from PIL import Image

from . import samples
from .people import Person


def test_a_photo(alice: Person) -> None:
    media_id = alice.send_file(samples.turned_photo((1600, 800)), "photo.jpg")
    info = alice.facts(media_id)
    assert (info["state"], info["mime"]) == ("ready", "image/jpeg")
    details = info["facts"]
    assert (details["width"], details["height"]) == (800, 1600)
    assert len(details["thumbhash"]) > 20
    for variant, side in (("thumb", 320), ("preview", 1280)):
        answer = alice.fetch(media_id, f"?variant={variant}")
        assert answer.headers["content-type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (side // 2, side)
            assert not image.getexif()
        assert b"SecretCameraMaker" not in answer.content
    assert b"SecretCameraMaker" in alice.fetch(media_id).content


def test_a_video(alice: Person) -> None:
    media_id = alice.send_file(samples.video((640, 360), 3.0), "holiday.mp4")
    details = alice.facts(media_id)["facts"]
    assert (details["width"], details["height"], details["duration_ms"]) == (640, 360, 3000)
    poster = alice.fetch(media_id, "?variant=poster")
    with Image.open(io.BytesIO(poster.content)) as image:
        assert image.size == (640, 360)
        red, _, blue = image.convert("RGB").getpixel((320, 180))  # type: ignore[misc]
        assert red > blue + 50, "the poster is one of the dark frames"


def test_a_voice(alice: Person) -> None:
    media_id = alice.send_file(samples.voice(4.0), "voice.ogg")
    info = alice.facts(media_id)
    assert info["mime"] == "audio/ogg"
    assert abs(info["facts"]["duration_ms"] - 4000) < 50
    progress = info["facts"]["waveform"]
    assert len(progress) == 64
    assert max(progress[:28]) <= 1
    assert min(progress[36:]) >= 25


def test_what_is_known_of_the_same_bytes_is_known_at_once(alice: Person, bob: Person) -> None:
    data = samples.picture((123, 45))
    alice.facts(alice.send_file(data))
    again = bob.send_file(data)
    assert bob.ask("GET", f"/media/{again}/info")["facts"]["width"] == 123


def test_bombs_and_broken_files_get_no_preview(alice: Person) -> None:
    """Each is refused a preview, can be downloaded, and the next good file is looked into."""
    broken = samples.picture((300, 300), "JPEG")
    harmful = {
        "bomb.png": samples.png_bomb(20_000),
        "broken.png": samples.picture((300, 300))[:400],
        "noise.jpg": broken[:300] + os.urandom(2000),
        "noise.mp4": samples.video()[:2000] + os.urandom(20_000),
        "noise.mkv": b"\x1aE\xdf\xa3" + os.urandom(20_000),
        "noise.ogg": samples.voice()[:3000] + os.urandom(5000),
        "noise.gif": b"GIF89a" + os.urandom(3000),
        "noise.webp": b"RIFF\x00\x10\x00\x00WEBPVP8 " + os.urandom(3000),
    }
    sent = {name: alice.send_file(data, name) for name, data in harmful.items()}
    for name, media_id in sent.items():
        state = alice.facts(media_id)["state"]
        assert state in ("refused", "ready"), name
        if name in ("bomb.png", "noise.mkv", "noise.gif", "noise.webp"):
            assert state == "refused", name
            shown = alice.fetch(media_id, "?inline=1")
            assert shown.headers["content-disposition"].startswith("attachment")
        assert alice.fetch(media_id).content == harmful[name]
    good = alice.facts(alice.send_file(samples.picture((64, 64)), "good.png"))
    assert good["state"] == "ready"
    assert httpx.get(f"{alice.url}/healthz").status_code == 200
