"""Downloads: parts and conditions, names, and never anything that acts."""

import io
import zipfile

import httpx
import pytest

from . import samples
from .people import Person

NAMES = ("x.html", "x.jpg", "x.svg")


def check_harmless(answer: httpx.Response) -> None:
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "data", [samples.HTML, samples.SVG, samples.XML], ids=["html", "svg", "xml"]
)
def test_what_can_act_is_never_shown(alice: Person, data: bytes, name: str) -> None:
    media_id = alice.send_file(data, name)
    ticket = alice.ask("POST", f"/media/{media_id}/tickets")["url"]
    for answer in (
        alice.fetch(media_id),
        alice.fetch(media_id, "?inline=1"),
        httpx.get(alice.url + ticket),
    ):
        check_harmless(answer)
        assert answer.content == data
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment;")


def gif_script() -> bytes:
    return b"GIF89a/*" + b"\0" * 20 + b"*/=1;" + samples.SCRIPT


def jpeg_page() -> bytes:
    return samples.picture((40, 40), "JPEG") + samples.HTML


def png_archive() -> bytes:
    buffer = io.BytesIO(samples.picture((40, 40)))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("Evil.class", b"\xca\xfe\xba\xbe")
    return buffer.getvalue()


def pdf_in_gif() -> bytes:
    return b"GIF89a" + b"\0" * 30 + samples.PDF


@pytest.mark.parametrize("make", [gif_script, jpeg_page, png_archive, pdf_in_gif])
def test_polyglots_are_never_shown(alice: Person, make: object) -> None:
    data = make()  # type: ignore[operator]
    media_id = alice.send_file(data, "cat.gif")
    alice.facts(media_id)
    answer = alice.fetch(media_id, "?inline=1")
    check_harmless(answer)
    assert answer.content == data
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")


def test_plain_kinds_may_be_shown(alice: Person) -> None:
    for data, mime in (
        (samples.picture((40, 40)), "image/png"),
        (samples.PDF, "application/pdf"),
        (samples.video(), "video/mp4"),
    ):
        media_id = alice.send_file(data, "named.html")
        shown = alice.fetch(media_id, "?inline=1")
        check_harmless(shown)
        assert shown.headers["content-type"] == mime
        assert shown.headers["content-disposition"].startswith("inline;")
        assert alice.fetch(media_id).headers["content-disposition"].startswith("attachment;")


def test_ranges(alice: Person) -> None:
    data = bytes(range(256)) * 8
    media_id = alice.send_file(data)
    for wanted, first, last in (
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=2000-", 2000, 2047),
        ("bytes=2000-9999", 2000, 2047),
        ("bytes=-48", 2000, 2047),
        ("bytes=-9999", 0, 2047),
    ):
        answer = alice.fetch(media_id, range=wanted)
        assert answer.status_code == 206
        assert answer.content == data[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/2048"
    for wanted in ("bytes=2048-", "bytes=-0"):
        answer = alice.fetch(media_id, range=wanted)
        assert answer.status_code == 416
        assert answer.headers["content-range"] == "bytes */2048"
    for wanted in ("bytes=5-1", "lines=1-2", "bytes=-", "bytes=0-1,5-6"):
        answer = alice.fetch(media_id, range=wanted)
        assert (answer.status_code, answer.content) == (200, data)


def test_conditions(alice: Person) -> None:
    data = b"the same for ever"
    media_id = alice.send_file(data)
    etag = alice.fetch(media_id).headers["etag"]
    same = alice.fetch(media_id, if_none_match=f'"other", {etag}')
    assert (same.status_code, same.content) == (304, b"")
    assert alice.fetch(media_id, range="bytes=0-2", if_range=etag).status_code == 206
    assert alice.fetch(media_id, range="bytes=0-2", if_range='"other"').status_code == 200


def test_head(alice: Person) -> None:
    media_id = alice.send_file(b"x" * 1000)
    answer = alice.http.head(f"/api/v1/media/{media_id}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "1000"
    assert answer.headers["accept-ranges"] == "bytes"


def test_names_cannot_break_out(alice: Person) -> None:
    name = 'a/b\\..\\"; filename=evil.exe\r\nX: y\u202egpj.exe'
    media_id = alice.send_file(b"data", name)
    told = alice.fetch(media_id).headers["content-disposition"]
    plain = told.partition('filename="')[2].partition('"; filename*=')[0]
    assert plain
    assert not set(plain) & set('"\\/\r\n%')
    assert "\u202e" not in alice.ask("GET", f"/media/{media_id}/info")["name"]


def test_tickets(alice: Person, bob: Person) -> None:
    media_id = alice.send_file(samples.picture((2000, 1000)), "p.png")
    details = alice.facts(media_id)["facts"]
    assert (details["width"], details["height"]) == (2000, 1000)
    ticket = alice.ask("POST", f"/media/{media_id}/tickets", variant="thumb")
    answer = httpx.get(alice.url + ticket["url"])
    assert answer.headers["content-type"] == "image/webp"
    assert len(answer.content) < 5000
    other = bob.send_file(b"bob's")
    stolen = ticket["url"].replace(media_id, other)
    assert httpx.get(alice.url + stolen).status_code == 401
    changed = ticket["url"].replace("ticket=", "ticket=A")
    assert httpx.get(alice.url + changed).status_code == 401
    refused = bob.ask("POST", f"/media/{media_id}/tickets")
    assert refused["code"] == "no_such_media"
    assert alice.ask("POST", f"/media/{media_id}/tickets", variant="poster")["code"] == (
        "no_such_media"
    )


def test_a_ticket_ends_with_its_account(carol: Person) -> None:
    media_id = carol.send_file(b"carol's")
    ticket = carol.ask("POST", f"/media/{media_id}/tickets")
    assert httpx.get(carol.url + ticket["url"]).content == b"carol's"
    carol.ask("POST", "/me/deactivate", password="correct horse battery")
    refused = httpx.get(carol.url + ticket["url"])
    assert (refused.status_code, refused.json()["code"]) == (401, "ticket_expired")


def test_who_can_see_the_message_can_read_the_file(
    alice: Person, bob: Person, carol: Person
) -> None:
    media_id = alice.send_file(b"a secret between two", "secret.txt")
    assert bob.fetch(media_id).status_code == 404
    where = alice.direct(bob)
    sent = alice.show(where, media_id, "1")
    assert bob.fetch(media_id).content == b"a secret between two"
    assert carol.fetch(media_id).status_code == 404
    assert carol.ask("GET", f"/media/{media_id}/info")["code"] == "no_such_media"
    entry = bob.ask("GET", f"/conversations/{where}/messages/{sent['seq']}")
    assert entry["body"]["content"]["size_bytes"] == 20
    assert entry["body"]["content"]["mime"] == "text/plain"
    stolen = carol.show(carol.direct(bob), media_id, "2")
    assert stolen["code"] == "no_such_media"
    passed_on = bob.ask(
        "POST",
        f"/conversations/{where}/forward",
        client_id="3",
        seqs=[sent["seq"]],
        targets=[bob.direct(carol)],
    )
    assert passed_on["targets"][0]["receipts"], passed_on
    assert carol.fetch(media_id).status_code == 200
    assert alice.ask("DELETE", f"/conversations/{where}/messages/{sent['seq']}")["entry_seq"]
    assert bob.fetch(media_id).status_code == 200  # in the conversation with carol
    assert carol.fetch(media_id).status_code == 200


def test_a_recalled_file_is_gone(alice: Person, bob: Person) -> None:
    media_id = alice.send_file(b"oh no")
    where = alice.direct(bob)
    sent = alice.show(where, media_id, "1")
    ticket = bob.ask("POST", f"/media/{media_id}/tickets")["url"]
    assert httpx.get(bob.url + ticket).status_code == 200
    alice.ask("DELETE", f"/conversations/{where}/messages/{sent['seq']}")
    assert bob.fetch(media_id).status_code == 404
    assert httpx.get(bob.url + ticket).status_code == 404


def test_instant_upload(alice: Person, bob: Person, carol: Person) -> None:
    data = b"known to two " * 1000
    media_id = alice.send_file(data)
    sha256 = alice.ask("GET", f"/media/{media_id}/info")["sha256"]
    claim = {"sha256": sha256, "size_bytes": len(data), "name": "mine now.txt"}
    assert bob.ask("POST", "/me/media", **claim)["code"] == "no_such_media"
    alice.show(alice.direct(bob), media_id, "1")
    claimed = bob.ask("POST", "/me/media", **claim)
    assert bob.fetch(claimed["media_id"]).content == data
    assert bob.ask("GET", "/me/media")["used_bytes"] == len(data)
    assert carol.ask("POST", "/me/media", **claim) == (
        carol.ask("POST", "/me/media", **(claim | {"sha256": "0" * 64}))
    )
    assert bob.ask("POST", "/me/media", **(claim | {"size_bytes": 1}))["code"] == "no_such_media"


def test_avatars_are_for_everybody(alice: Person, bob: Person, carol: Person) -> None:
    mine = alice.send_file(samples.picture((500, 500)))
    assert alice.ask("PATCH", "/me", avatar=mine)["avatar"] == mine
    assert carol.fetch(mine).status_code == 200
    assert bob.ask("PATCH", "/me", avatar=mine)["code"] == "no_such_media"
    alice.ask("PATCH", "/me", avatar="")
    assert carol.fetch(mine).status_code == 404
    group = alice.ask("POST", "/groups", client_id="g", name="G", avatar=mine, user_ids=[])
    assert carol.fetch(mine).status_code == 200, group
