"""From an announcement to a media, and all that may go wrong between."""

import asyncio
import hashlib

import pytest

from hongyan.domain.log.model import Commit, Put
from hongyan.domain.media.api import (
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
from hongyan.domain.media.service_uploads import Uploads
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


async def usage(world, who):
    found = await world.do(who, GetUsage())
    return found.used_bytes, found.reserved_bytes


async def test_a_file_comes_in(world):
    data = b"text/plain|hello"
    media_id = await world.upload(world.alice, data, "notes.txt")
    info = await world.do(world.alice, GetMedia(media_id=media_id))
    assert (info.size_bytes, info.mime, info.name, info.state) == (
        16,
        "text/plain",
        "notes.txt",
        "ready",
    )
    assert info.sha256 == digest(data)
    assert world.names() == [digest(data)]
    assert await usage(world, world.alice) == (16, 0)
    told = await world.store.read("@alice", 1, 9, 9, kinds=(MEDIA_READY,))
    assert len(told) == 1


async def test_finishing_twice_is_finishing_once(world):
    upload_id = await world.begin(world.alice, b"text/plain|x")
    finish = FinishUpload(upload_id=upload_id)
    first = await world.do(world.alice, finish)
    assert await world.do(world.alice, finish) == first
    assert await world.store.count(MediaItem) == 1
    assert await usage(world, world.alice) == (12, 0)


async def test_the_same_bytes_are_kept_once(world):
    one = await world.upload(world.alice)
    two = await world.upload(world.bob)
    assert one != two
    assert world.names() == [digest(b"text/plain|hello")]


async def test_contents_that_share_a_guard_do_not_disturb_each_other(world):
    one, two = alike()
    assert content_log(digest(one)) == content_log(digest(two))
    made = await asyncio.gather(
        *[world.upload(who, data) for who in (world.alice, world.bob) for data in (one, two)]
    )
    assert len(set(made)) == 4
    assert world.names() == sorted((digest(one), digest(two)))
    guard = content_log(digest(one))
    assert (await world.store.heads([guard]))[guard].epoch == 4


async def test_missing_bytes_are_missed(world):
    upload = await world.do(world.alice, CreateUpload(length_bytes=10))
    with pytest.raises(Invalid):
        await world.do(world.alice, FinishUpload(upload_id=upload.upload_id))
    for command in (
        GetUpload(upload_id=upload.upload_id),
        AdvanceUpload(upload_id=upload.upload_id, offset_bytes=1),
        FinishUpload(upload_id=upload.upload_id),
        CancelUpload(upload_id=upload.upload_id),
    ):
        with pytest.raises(NoSuchUpload):
            await world.do(world.bob, command)


async def test_room_is_reserved_and_given_back(world):
    with pytest.raises(FileTooLarge):
        await world.do(world.alice, CreateUpload(length_bytes=1_001))
    uploads = [await world.do(world.alice, CreateUpload(length_bytes=900)) for _ in range(2)]
    with pytest.raises(QuotaExceeded):
        await world.do(world.alice, CreateUpload(length_bytes=900))
    await world.do(world.alice, CancelUpload(upload_id=uploads[0].upload_id))
    assert await usage(world, world.alice) == (0, 900)
    for _ in range(3):
        await world.do(world.alice, CreateUpload(length_bytes=1))
    with pytest.raises(LimitReached):
        await world.do(world.alice, CreateUpload(length_bytes=1))


async def test_many_at_once_get_no_more_room_than_one_after_the_other(world):
    """Also where two processes decide at the same time, who share no turns."""
    other = world.another_process()
    create = CreateUpload(length_bytes=900)
    asked = [
        one.create(Actor(world.alice, "v1"), create)
        for one in (world.uploads, other)
        for _ in range(3)
    ]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, UploadInfo) for one in found) == 2
    refused = [one for one in found if not isinstance(one, UploadInfo)]
    assert all(isinstance(one, QuotaExceeded | Busy) for one in refused), refused
    assert await usage(world, world.alice) == (0, 1_800)
    data = b"text/plain|" + b"x" * 789
    for _ in range(2):
        await world.upload(world.bob, data)
    claim = ClaimMedia(sha256=digest(data), size_bytes=800)
    claims = [world.do(world.bob, claim) for _ in range(4)]
    found = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(one) for one in found].count(QuotaExceeded) == 3
    assert await usage(world, world.bob) == (2_400, 0)


async def test_refused_types_leave_nothing(world):
    upload_id = await world.begin(world.alice, b"text/x-bad|")
    with pytest.raises(UnsupportedType):
        await world.do(world.alice, FinishUpload(upload_id=upload_id))
    assert world.names() == []
    assert await usage(world, world.alice) == (0, 0)


async def test_an_upload_expires_after_its_last_byte(world):
    upload_id = await world.begin(world.alice, b"text/plain|half")
    await world.tick(24 * 3600 * 1000 - 1)
    assert (await world.do(world.alice, GetUpload(upload_id=upload_id))).offset_bytes == 15
    await world.tick(2)
    with pytest.raises(NoSuchUpload):
        await world.do(world.alice, GetUpload(upload_id=upload_id))
    assert world.names() == []
    assert await usage(world, world.alice) == (0, 0)


async def test_what_a_crash_left_between_object_and_row_is_swept(world):
    data = b"text/plain|orphan"
    upload_id = await world.begin(world.alice, data)
    sealed = await world.staging.seal(upload_id, len(data))
    await world.objects.keep(sealed, object_name(digest(data)))
    await world.tick(25 * 3600 * 1000)
    assert world.names() == []


async def test_bytes_that_are_being_deleted_are_not_built_upon(world):
    data = b"text/plain|x"
    upload_id = await world.begin(world.alice, data)
    await world.store.commit(Commit(changes=(Put(Doomed(sha256=digest(data))),)))
    with pytest.raises(Busy):
        await world.do(world.alice, FinishUpload(upload_id=upload_id))
    await world.tick()
    assert (await world.do(world.alice, FinishUpload(upload_id=upload_id))).media_id


async def test_pictures_are_looked_into(world):
    media_id = await world.upload(world.alice, b"image/png|cat")
    assert (await world.do(world.alice, GetMedia(media_id=media_id))).state == "processing"
    assert await world.processing.tick(0) == 1
    info = await world.do(world.alice, GetMedia(media_id=media_id))
    assert (info.state, info.facts.width, info.facts.variants) == ("ready", 4, ("thumb",))
    assert await world.processing.tick(0) == 0
    broken = await world.upload(world.bob, b"image/png|broken")
    await world.processing.tick(0)
    item = await world.store.get(MediaItem, broken)
    assert (item.state, item.is_plain) == ("refused", False)
    again = await world.upload(world.bob, b"image/png|cat")
    assert (await world.do(world.bob, GetMedia(media_id=again))).facts.width == 4
    assert world.prober.asked == 2
    assert len(await world.store.read("@alice", 1, 9, 9, kinds=(MEDIA_READY,))) == 1


async def test_claiming_what_one_can_read(world):
    data = b"text/plain|known"
    media_id = await world.upload(world.alice, data)
    claim = ClaimMedia(sha256=digest(data), size_bytes=len(data), name="x")
    with pytest.raises(NoSuchMedia):
        await world.do(world.bob, claim)
    await world.show(world.alice, world.direct, media_id)
    claimed = await world.do(world.bob, claim)
    assert claimed.media_id != media_id
    assert await usage(world, world.bob) == (16, 0)
    with pytest.raises(NoSuchMedia):
        await world.do(world.carol, claim)
    await world.show(world.bob, world.other, claimed.media_id)
    assert (await world.do(world.carol, claim)).sha256 == digest(data)
    for wrong in ("", "x" * 64, digest(data).upper()):
        with pytest.raises(Invalid):
            await world.do(world.bob, ClaimMedia(sha256=wrong, size_bytes=1))


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


async def test_a_gateway_that_is_late_takes_nothing_back(world, monkeypatch):
    upload = await world.do(world.alice, CreateUpload(length_bytes=100))
    late = AdvanceUpload(upload_id=upload.upload_id, offset_bytes=0)
    own, overtaken = Uploads.own, []

    async def overtake(self, user_id, upload_id):
        found = await own(self, user_id, upload_id)
        if not overtaken:  # between what the late one reads and what it writes
            overtaken.append(found)
            soon = AdvanceUpload(upload_id=upload_id, offset_bytes=60)
            assert (await world.do(world.alice, soon)).offset_bytes == 60
        return found

    monkeypatch.setattr(Uploads, "own", overtake)
    assert (await world.do(world.alice, late)).offset_bytes == 60
    told = await world.do(world.alice, GetUpload(upload_id=upload.upload_id))
    assert told.offset_bytes == 60
