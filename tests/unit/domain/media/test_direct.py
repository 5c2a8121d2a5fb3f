"""Files that clients send to the bucket themselves."""

import hashlib

import pytest

from hongyan.domain.media.commands import FinishUpload, NoSuchUpload, QuotaExceeded
from hongyan.domain.media.commands_direct import (
    BeginDirectUpload,
    DirectOff,
    FinishDirectUpload,
    ResumeDirectUpload,
    WrongContent,
)
from hongyan.domain.media.direct import DirectUploads
from hongyan.domain.media.ports import Piece
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Invalid


class Links:
    """Pieces of four bytes; what ``came`` is there."""

    def __init__(self):
        self.came = set()

    async def missing(self, upload_id, length_bytes):
        firsts = [first for first in range(0, length_bytes, 4) if first not in self.came]
        return tuple(Piece(first, min(4, length_bytes - first), "url") for first in firsts)


@pytest.fixture
def links():
    return Links()


@pytest.fixture
def direct(harness, links):
    return DirectUploads(harness.store, harness.clock, harness.uploads, links, 3600)


def actor(who):
    return Actor(who, "v-" + who)


async def arrived(harness, direct, links, data):
    """Announce a file and let its bytes come."""
    begun = await direct.begin(actor("alice"), BeginDirectUpload(length_bytes=len(data), name="f"))
    part = await harness.staging.open(begun.upload_id, 0)
    await part.write(data)
    await part.sync()
    await part.close()
    links.came |= set(range(0, len(data), 4))
    return begun.upload_id


async def test_a_file_begins_with_links(direct, harness):
    begun = await direct.begin(actor("alice"), BeginDirectUpload(length_bytes=10))
    assert [piece.first for piece in begun.pieces] == [0, 4, 8]
    assert begun.expires_at_ms == harness.clock.now_ms() + 3_600_000


async def test_it_is_finished_once(direct, harness, links):
    upload_id = await arrived(harness, direct, links, b"text/plain|direct")
    sha256 = hashlib.sha256(b"text/plain|direct").hexdigest()
    finish = FinishDirectUpload(upload_id=upload_id, sha256=sha256)
    info = await direct.finish(actor("alice"), finish)
    assert (info.sha256, info.size_bytes) == (sha256, 17)
    assert await direct.finish(actor("alice"), finish) == info
    told = await direct.resume(actor("alice"), ResumeDirectUpload(upload_id=upload_id))
    assert (told.media_id, told.pieces) == (info.media_id, ())


async def test_missing_pieces_are_told(direct, harness, links):
    upload_id = await arrived(harness, direct, links, b"text/plain|direct")
    links.came.discard(4)
    with pytest.raises(Invalid) as refusal:
        await direct.finish(actor("alice"), FinishDirectUpload(upload_id=upload_id))
    assert refusal.value.details == {"missing": 1}


async def test_other_bytes_are_refused_and_may_be_sent_again(direct, harness, links):
    upload_id = await arrived(harness, direct, links, b"text/plain|direct")
    wrong = FinishDirectUpload(upload_id=upload_id, sha256="0" * 64)
    with pytest.raises(WrongContent):
        await direct.finish(actor("alice"), wrong)
    assert (await direct.finish(actor("alice"), FinishDirectUpload(upload_id=upload_id))).media_id
    with pytest.raises(Invalid):
        await direct.finish(actor("alice"), FinishDirectUpload(upload_id=upload_id, sha256="no"))


async def test_it_is_its_owners(direct, harness, links):
    upload_id = await arrived(harness, direct, links, b"text/plain|direct")
    for command in (
        FinishDirectUpload(upload_id=upload_id),
        ResumeDirectUpload(upload_id=upload_id),
    ):
        handler = direct.finish if isinstance(command, FinishDirectUpload) else direct.resume
        with pytest.raises(NoSuchUpload):
            await handler(actor("bob"), command)


async def test_there_must_be_room(direct):
    with pytest.raises((QuotaExceeded, Invalid)):
        await direct.begin(actor("alice"), BeginDirectUpload(length_bytes=2**60))


async def test_it_is_off_by_default(harness):
    off = DirectUploads(harness.store, harness.clock, harness.uploads, None, 3600)
    with pytest.raises(DirectOff):
        await off.begin(actor("alice"), BeginDirectUpload(length_bytes=1))


async def test_tus_and_direct_end_alike(direct, harness, links):
    upload_id = await arrived(harness, direct, links, b"text/plain|same")
    info = await direct.finish(actor("alice"), FinishDirectUpload(upload_id=upload_id))
    again = await harness.do("alice", FinishUpload(upload_id=upload_id))
    assert again.media_id == info.media_id
