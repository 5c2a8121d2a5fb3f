"""One suite for the places where the bytes of files are: a folder, and a bucket of real S3."""

import asyncio
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hongyan.domain.media.ports import HEAD_BYTES, TAIL_BYTES, Sealed
from hongyan.infra.objects.bucket import open_bucket
from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.objects.s3 import S3Objects
from hongyan.infra.objects.s3_staging import S3Staging
from hongyan.infra.objects.staging import FolderStaging
from hongyan.kernel.errors import NotFound
from hongyan.kernel.ids import new_token_id
from tests.engines.seaweed import Seaweed

pytestmark = pytest.mark.xdist_group("seaweed")


class Place:
    """Staging and objects under test; ``again`` is what another process would have."""

    def __init__(self, kind: str, folder: Path, seaweed: Seaweed | None) -> None:
        self.kind = kind
        self._folder = folder
        self._seaweed = seaweed
        self.staging: Any
        self.objects: Any
        self.again()

    def again(self) -> None:
        if self._seaweed is None:
            self.staging, self.objects = FolderStaging(self._folder), FolderObjects(self._folder)
            return
        store = open_bucket(self._seaweed.options)
        self.staging = S3Staging(store, self._folder)
        self.objects = S3Objects(store, self._folder)

    async def add(self, upload: str, offset: int, data: bytes, sync: bool = True) -> int:
        part = await self.staging.open(upload, offset)
        try:
            await part.write(data)
            return await part.sync() if sync else 0
        finally:
            await part.close()

    async def sealed(self, upload: str, data: bytes) -> Sealed:
        """Seal, and check that it is these bytes."""
        sealed = await self.staging.seal(upload, len(data))
        assert sealed.sha256 == hashlib.sha256(data).hexdigest()
        return sealed

    async def kept(self, upload: str, data: bytes) -> bytes:
        """Make an object of an upload and read it back."""
        name = f"{upload[:2]}/{upload}"
        await self.objects.keep(await self.sealed(upload, data), name)
        return await self.read(name, 0, await self.objects.size(name))

    async def read(self, name: str, first: int, length: int) -> bytes:
        return b"".join([piece async for piece in self.objects.read(name, first, length)])


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    made = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield made
    made.stop()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    seaweed = request.getfixturevalue("seaweed") if request.param == "s3" else None
    return Place(request.param, tmp_path, seaweed)


@pytest.fixture
def upload() -> str:
    return "p" + new_token_id()


async def test_parts_follow_each_other(place: Place, upload: str) -> None:
    assert await place.add(upload, 0, b"abc") == 3
    assert await place.add(upload, 3, b"def") == 6
    assert await place.kept(upload, b"abcdef") == b"abcdef"


async def test_a_part_may_be_synced_several_times(place: Place, upload: str) -> None:
    part = await place.staging.open(upload, 0)
    for data, offset in ((b"ab", 2), (b"", 2), (b"cdef", 6)):
        await part.write(data)
        assert await part.sync() == offset
    await part.close()
    assert await place.kept(upload, b"abcdef") == b"abcdef"


async def test_what_was_not_synced_does_not_count(place: Place, upload: str) -> None:
    await place.add(upload, 0, b"abc")
    await place.add(upload, 3, b"lost", sync=False)
    await place.add(upload, 3, b"def")
    assert await place.kept(upload, b"abcdef") == b"abcdef"


async def test_a_rollback_keeps_nothing_of_the_part(place: Place, upload: str) -> None:
    await place.add(upload, 0, b"abc")
    part = await place.staging.open(upload, 3)
    await part.write(b"damaged")
    await part.rollback()
    await part.write(b"def")
    assert await part.sync() == 6
    await part.close()
    assert await place.kept(upload, b"abcdef") == b"abcdef"


async def test_bytes_behind_the_offset_count_no_more(place: Place, upload: str) -> None:
    await place.add(upload, 0, b"abcdef")
    await place.add(upload, 6, b"ghi")
    await place.add(upload, 4, b"EF")
    assert await place.kept(upload, b"abcdEF") == b"abcdEF"


async def test_another_process_goes_on(place: Place, upload: str) -> None:
    await place.add(upload, 0, b"abc")
    place.again()
    await place.add(upload, 3, b"def")
    place.again()
    assert await place.kept(upload, b"abcdef") == b"abcdef"


async def test_missing_bytes_are_noticed(place: Place, upload: str) -> None:
    with pytest.raises(NotFound):
        await place.staging.open(upload, 5)
    await place.add(upload, 0, b"abc")
    with pytest.raises(NotFound):
        await place.staging.open(upload, 5)
    with pytest.raises(NotFound):
        await place.staging.seal(upload, 5)
    await place.staging.remove(upload)
    await place.staging.remove(upload)
    with pytest.raises(NotFound):
        await place.staging.seal(upload, 3)


async def test_an_empty_file(place: Place, upload: str) -> None:
    part = await place.staging.open(upload, 0)
    await part.close()
    assert await place.staging.ends(await place.sealed(upload, b"")) == (b"", b"")
    assert await place.kept(upload, b"") == b""


async def test_a_large_file_and_its_ends(place: Place, upload: str) -> None:
    data = random.Random(1).randbytes(20 * 1024 * 1024 + 7)
    half = 11 * 1024 * 1024
    await place.add(upload, 0, data[:half])
    await place.add(upload, half, data[half:])
    sealed = await place.sealed(upload, data)
    assert await place.staging.ends(sealed) == (data[:HEAD_BYTES], data[-TAIL_BYTES:])
    assert await place.kept(upload, data) == data
    name = f"{upload[:2]}/{upload}"
    assert await place.read(name, half - 3, 9) == data[half - 3 : half + 6]
    async with place.objects.local(name) as path:
        assert await asyncio.to_thread(path.read_bytes) == data


async def test_sealing_may_be_repeated(place: Place, upload: str) -> None:
    await place.add(upload, 0, b"abc")
    first, second = await place.sealed(upload, b"abc"), await place.sealed(upload, b"abc")
    assert await place.staging.ends(first) == await place.staging.ends(second)


async def test_an_object_is_not_replaced_by_another_upload(place: Place, upload: str) -> None:
    name = f"{upload[:2]}/{upload}"
    await place.add(upload, 0, b"first")
    await place.objects.keep(await place.sealed(upload, b"first"), name)
    other = "p" + new_token_id()
    await place.add(other, 0, b"second")
    await place.objects.keep(await place.sealed(other, b"second"), name)
    assert await place.read(name, 0, 5) == b"first"


async def test_what_was_removed_cannot_be_kept(place: Place, upload: str) -> None:
    await place.add(upload, 0, b"abc")
    sealed = await place.sealed(upload, b"abc")
    await place.staging.remove(upload)
    with pytest.raises(NotFound):
        await place.objects.keep(sealed, f"{upload[:2]}/{upload}")
    with pytest.raises(NotFound):
        await place.staging.ends(sealed)


async def test_pictures_are_put_read_and_deleted(place: Place, upload: str) -> None:
    name = f"ab/{upload}.thumb.webp"
    if place.kind == "folder":
        (place.objects.path(name).parent).mkdir(parents=True, exist_ok=True)
    await place.objects.put(name, b"small")
    await place.objects.put(name, b"other")
    assert await place.objects.size(name) == 5
    assert await place.read(name, 1, 3) == b"the"
    assert await place.read(name, 0, 0) == b""
    await place.objects.delete([name, "ab/nothing"])
    for ask in (place.objects.size(name), place.read(name, 0, 1)):
        with pytest.raises(NotFound):
            await ask
    with pytest.raises(NotFound):
        async with place.objects.local(name):
            pass


async def test_two_gateways_at_once_lose_nothing(place: Place, upload: str) -> None:
    """A client came back while its former request still hung at another gateway."""
    if place.kind == "folder":
        pytest.skip("a folder has one process")
    data = b"0123456789"
    former = await place.staging.open(upload, 0)
    await former.write(data[:6])
    place.again()
    await place.add(upload, 0, data[:4])
    assert await former.sync() == 6
    await former.close()
    place.again()
    await place.add(upload, 4, data[4:7])
    await place.add(upload, 6, data[6:])
    assert await place.kept(upload, data) == data
