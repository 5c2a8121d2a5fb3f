"""From an announcement to a media, and all that may go wrong between."""

import asyncio
import hashlib

import pytest

from hongyan.domain.log.model import Commit, Put
from hongyan.domain.media.commands import (
    AdvanceUpload,
    CancelUpload,
    ClaimMedia,
    CreateUpload,
    FileTooLarge,
    FinishUpload,
    GetMedia,
    GetUpload,
    GetUsage,
    NoSuchMedia,
    NoSuchUpload,
    QuotaExceeded,
    UnsupportedType,
    UploadInfo,
)
from hongyan.domain.media.model import MEDIA_READY, Doomed, MediaItem, content_log, object_name
from hongyan.domain.media.rules import clean_name
from hongyan.domain.media.uploads import Uploads
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Busy, Invalid, LimitReached


def digest(data):
    return hashlib.sha256(data).hexdigest()


def alike():
    """Return two contents under one guard."""
    seen, number = {}, 0
    while True:
        data = b"text/plain|%d" % number
        other = seen.setdefault(content_log(digest(data)), data)
        if other is not data:
            return other, data
        number += 1


async def usage(harness, who):
    found = await harness.do(who, GetUsage())
    return found.used_bytes, found.reserved_bytes


async def test_a_file_comes_in(harness):
    data = b"text/plain|hello"
    media_id = await harness.upload(harness.alice, data, "notes.txt")
    info = await harness.do(harness.alice, GetMedia(media_id=media_id))
    assert (info.size_bytes, info.mime, info.name, info.state) == (
        16,
        "text/plain",
        "notes.txt",
        "ready",
    )
    assert info.sha256 == digest(data)
    assert harness.names() == [digest(data)]
    assert await usage(harness, harness.alice) == (16, 0)
    told = await harness.store.read("@alice", 1, 9, 9, kinds=(MEDIA_READY,))
    assert len(told) == 1


async def test_finishing_twice_is_finishing_once(harness):
    upload_id = await harness.begin(harness.alice, b"text/plain|x")
    finish = FinishUpload(upload_id=upload_id)
    first = await harness.do(harness.alice, finish)
    assert await harness.do(harness.alice, finish) == first
    assert await harness.store.count(MediaItem) == 1
    assert await usage(harness, harness.alice) == (12, 0)


async def test_the_same_bytes_are_kept_once(harness):
    one = await harness.upload(harness.alice)
    two = await harness.upload(harness.bob)
    assert one != two
    assert harness.names() == [digest(b"text/plain|hello")]


async def test_contents_that_share_a_guard_do_not_disturb_each_other(harness):
    one, two = alike()
    assert content_log(digest(one)) == content_log(digest(two))
    made = await asyncio.gather(
        *[harness.upload(who, data) for who in (harness.alice, harness.bob) for data in (one, two)]
    )
    assert len(set(made)) == 4
    assert harness.names() == sorted((digest(one), digest(two)))
    guard = content_log(digest(one))
    assert (await harness.store.states([guard]))[guard].version == 4


async def test_missing_bytes_are_missed(harness):
    upload = await harness.do(harness.alice, CreateUpload(length_bytes=10))
    with pytest.raises(Invalid):
        await harness.do(harness.alice, FinishUpload(upload_id=upload.upload_id))
    for command in (
        GetUpload(upload_id=upload.upload_id),
        AdvanceUpload(upload_id=upload.upload_id, offset_bytes=1),
        FinishUpload(upload_id=upload.upload_id),
        CancelUpload(upload_id=upload.upload_id),
    ):
        with pytest.raises(NoSuchUpload):
            await harness.do(harness.bob, command)


async def test_room_is_reserved_and_given_back(harness):
    with pytest.raises(FileTooLarge):
        await harness.do(harness.alice, CreateUpload(length_bytes=1_001))
    uploads = [await harness.do(harness.alice, CreateUpload(length_bytes=900)) for _ in range(2)]
    with pytest.raises(QuotaExceeded):
        await harness.do(harness.alice, CreateUpload(length_bytes=900))
    await harness.do(harness.alice, CancelUpload(upload_id=uploads[0].upload_id))
    assert await usage(harness, harness.alice) == (0, 900)
    for _ in range(3):
        await harness.do(harness.alice, CreateUpload(length_bytes=1))
    with pytest.raises(LimitReached):
        await harness.do(harness.alice, CreateUpload(length_bytes=1))


async def test_many_at_once_get_no_more_room_than_one_after_the_other(harness):
    """Also where two processes decide at the same time, who share no turns."""
    other = harness.another_process()
    create = CreateUpload(length_bytes=900)
    asked = [
        one.create(Actor(harness.alice, "v1"), create)
        for one in (harness.uploads, other)
        for _ in range(3)
    ]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, UploadInfo) for one in found) == 2
    refused = [one for one in found if not isinstance(one, UploadInfo)]
    assert all(isinstance(one, QuotaExceeded | Busy) for one in refused), refused
    assert await usage(harness, harness.alice) == (0, 1_800)
    data = b"text/plain|" + b"x" * 789
    for _ in range(2):
        await harness.upload(harness.bob, data)
    claim = ClaimMedia(sha256=digest(data), size_bytes=800)
    claims = [harness.do(harness.bob, claim) for _ in range(4)]
    found = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(one) for one in found].count(QuotaExceeded) == 3
    assert await usage(harness, harness.bob) == (2_400, 0)


async def test_refused_types_leave_nothing(harness):
    upload_id = await harness.begin(harness.alice, b"text/x-bad|")
    with pytest.raises(UnsupportedType):
        await harness.do(harness.alice, FinishUpload(upload_id=upload_id))
    assert harness.names() == []
    assert await usage(harness, harness.alice) == (0, 0)


async def test_an_upload_expires_after_its_last_byte(harness):
    upload_id = await harness.begin(harness.alice, b"text/plain|half")
    await harness.run(24 * 3600 * 1000 - 1)
    assert (await harness.do(harness.alice, GetUpload(upload_id=upload_id))).offset_bytes == 15
    await harness.run(2)
    with pytest.raises(NoSuchUpload):
        await harness.do(harness.alice, GetUpload(upload_id=upload_id))
    assert harness.names() == []
    assert await usage(harness, harness.alice) == (0, 0)


async def test_what_a_crash_left_between_object_and_row_is_swept(harness):
    data = b"text/plain|orphan"
    upload_id = await harness.begin(harness.alice, data)
    sealed = await harness.staging.seal(upload_id, len(data))
    await harness.objects.keep(sealed, object_name(digest(data)))
    await harness.run(25 * 3600 * 1000)
    assert harness.names() == []


async def test_bytes_that_are_being_deleted_are_not_built_upon(harness):
    data = b"text/plain|x"
    upload_id = await harness.begin(harness.alice, data)
    await harness.store.commit(Commit(changes=(Put(Doomed(sha256=digest(data))),)))
    with pytest.raises(Busy):
        await harness.do(harness.alice, FinishUpload(upload_id=upload_id))
    await harness.run()
    assert (await harness.do(harness.alice, FinishUpload(upload_id=upload_id))).media_id


async def test_pictures_are_looked_into(harness):
    media_id = await harness.upload(harness.alice, b"image/png|cat")
    assert (await harness.do(harness.alice, GetMedia(media_id=media_id))).state == "processing"
    assert await harness.processing.run(0) == 1
    info = await harness.do(harness.alice, GetMedia(media_id=media_id))
    assert (info.state, info.facts.width, info.facts.variants) == ("ready", 4, ("thumb",))
    assert await harness.processing.run(0) == 0
    broken = await harness.upload(harness.bob, b"image/png|broken")
    await harness.processing.run(0)
    item = await harness.store.get(MediaItem, broken)
    assert (item.state, item.is_plain) == ("refused", False)
    again = await harness.upload(harness.bob, b"image/png|cat")
    assert (await harness.do(harness.bob, GetMedia(media_id=again))).facts.width == 4
    assert harness.prober.asked == 2
    assert len(await harness.store.read("@alice", 1, 9, 9, kinds=(MEDIA_READY,))) == 1


async def test_claiming_what_one_can_read(harness):
    data = b"text/plain|known"
    media_id = await harness.upload(harness.alice, data)
    claim = ClaimMedia(sha256=digest(data), size_bytes=len(data), name="x")
    with pytest.raises(NoSuchMedia):
        await harness.do(harness.bob, claim)
    await harness.show(harness.alice, harness.direct, media_id)
    claimed = await harness.do(harness.bob, claim)
    assert claimed.media_id != media_id
    assert await usage(harness, harness.bob) == (16, 0)
    with pytest.raises(NoSuchMedia):
        await harness.do(harness.carol, claim)
    await harness.show(harness.bob, harness.other, claimed.media_id)
    assert (await harness.do(harness.carol, claim)).sha256 == digest(data)
    for wrong in ("", "x" * 64, digest(data).upper()):
        with pytest.raises(Invalid):
            await harness.do(harness.bob, ClaimMedia(sha256=wrong, size_bytes=1))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.txt", "a.txt"),
        ("/etc/passwd", "passwd"),
        ("C:\\x\\..\\y.doc", "y.doc"),
        ("..", ""),
        ("a\r\nb\x00.txt", "ab.txt"),
        ("\u202egpj.exe", "gpj.exe"),
        ("猫" * 100 + ".jpeg", "猫" * 83 + ".jpeg"),
    ],
)
def test_names(given, kept):
    assert clean_name(given) == kept


async def test_a_gateway_that_is_late_takes_nothing_back(harness, monkeypatch):
    upload = await harness.do(harness.alice, CreateUpload(length_bytes=100))
    late = AdvanceUpload(upload_id=upload.upload_id, offset_bytes=0)
    own, overtaken = Uploads.own, []

    async def overtake(self, user_id, upload_id):
        found = await own(self, user_id, upload_id)
        if not overtaken:  # between what the late one reads and what it writes
            overtaken.append(found)
            soon = AdvanceUpload(upload_id=upload_id, offset_bytes=60)
            assert (await harness.do(harness.alice, soon)).offset_bytes == 60
        return found

    monkeypatch.setattr(Uploads, "own", overtake)
    assert (await harness.do(harness.alice, late)).offset_bytes == 60
    told = await harness.do(harness.alice, GetUpload(upload_id=upload.upload_id))
    assert told.offset_bytes == 60
