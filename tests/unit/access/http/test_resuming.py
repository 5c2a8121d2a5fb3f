"""Streams that break and go on: no entry is left out, none comes twice, whatever the order."""

import itertools
import random

import msgspec
import pytest

from hongyan.access.http.resuming import (
    BEYOND_MAX,
    BEYOND_READ,
    ResumableStream,
    StreamProgress,
)
from hongyan.access.http.sync_stream import EVENTS
from hongyan.domain.conversation.commands_archive import Archived, ArchivedEntry, GetArchive
from hongyan.domain.log.model import Entry
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Invalid
from hongyan.kernel.positions import position_of, token_of

ANN = Actor("ann", "v1")


def entry(position: int) -> Entry:
    return Entry("g1", position, position, "message", "bob", "", 0, msgspec.Raw(b'"x"'))


class Archive:
    """What is committed, and up to where nothing can come in between any more."""

    def __init__(self, generation: str = "gen") -> None:
        self.generation = generation
        self.positions: list[int] = []
        self.settled = 2**40
        self.reads = 0

    async def part(self, command: GetArchive) -> Archived:
        self.reads += 1
        end = max([0, *(p for p in self.positions if p <= self.settled)])
        if not command.limit:
            return Archived((), token_of(end), False, self.generation)
        after = position_of(command.after)
        found = sorted(p for p in self.positions if after < p <= self.settled)
        page = found[: min(command.limit, 7)]
        entries = tuple(ArchivedEntry(token_of(p), entry(p)) for p in page)
        following = token_of(page[-1]) if page else command.after
        return Archived(entries, following, len(page) < len(found), self.generation)


class Client:
    """Reads a stream as a browser does, and remembers the last id."""

    def __init__(self) -> None:
        self.last_id = ""
        self.got: list[int] = []
        self.names: list[str] = []

    async def write(self, data: bytes, more: bool = True) -> None:
        for block in data.decode().split("\n\n"):
            name = ""
            for line in block.split("\n"):
                field, _, value = line.partition(": ")
                if field == "id":
                    self.last_id = value
                elif field == "event":
                    name = value
                    self.names.append(name)
                elif field == "data" and name == "entry":
                    self.got.append(msgspec.json.decode(value)["seq"])


async def connect(archive: Archive, client: Client) -> ResumableStream:
    end = position_of((await archive.part(GetArchive(limit=0))).next)
    stream = ResumableStream(archive, StreamProgress(archive.generation, end), client.write)  # type: ignore[arg-type]
    await stream.begin(StreamProgress.parse(client.last_id) if client.last_id else None)
    return stream


def pushed(*positions: int) -> list[bytes]:
    return [EVENTS.encode(entry(p), p) for p in positions]


class TestHeard:
    def test_its_token_tells_it(self) -> None:
        heard = StreamProgress("gen", 100)
        for position in (300, 200):
            assert heard.take(position)
            assert not heard.take(position)
        assert not heard.take(100)
        read = StreamProgress.parse(heard.token)
        assert (read.generation, read.upto) == ("gen", 100)
        assert [read.take(p) for p in (100, 200, 250, 300)] == [False, False, True, False]
        heard.reach(250)
        assert heard.token == f"gen.{250:x}.{50:x}"

    def test_a_token_does_not_grow_without_end(self) -> None:
        heard = StreamProgress("gen", 0)
        for position in range(2, BEYOND_MAX + 2):
            heard.take(position)
        assert StreamProgress.parse(heard.token).token == heard.token
        heard.take(BEYOND_MAX + 2)
        assert heard.token == ""

    @pytest.mark.parametrize(
        "token", ["never", "gen.", "gen.x", "GEN.1", "gen.1.", "gen.ffffffffffffffff", "a.1\n"]
    )
    def test_what_is_no_token_is_refused(self, token: str) -> None:
        with pytest.raises(Invalid):
            StreamProgress.parse(token)


async def test_it_goes_on_where_it_broke() -> None:
    archive, client = Archive(), Client()
    archive.positions = [1, 2]
    stream = await connect(archive, client)
    archive.positions += [3, 4]
    await stream.send(pushed(3))
    archive.positions += [5]
    await connect(archive, client)
    assert client.got == [3, 4, 5]
    assert "resync" not in client.names


async def test_who_commits_late_with_a_lower_position_is_told_once() -> None:
    archive, client = Archive(), Client()
    stream = await connect(archive, client)
    archive.settled = 9
    archive.positions = [20, 30]
    await stream.send(pushed(20, 30))
    assert client.last_id == "gen.0.14.1e"
    archive.positions += [10]  # as the slow transaction ends; its push is lost with the connection
    archive.settled = 2**40
    stream = await connect(archive, client)
    assert client.got == [20, 30, 10]
    await stream.send(pushed(10))
    assert client.got == [20, 30, 10]


async def test_it_reads_when_much_was_pushed_and_does_not_hurry_while_others_hold_it_up() -> None:
    archive, client = Archive(), Client()
    stream = await connect(archive, client)
    reads = archive.reads
    archive.settled = 0
    for position in range(1, 5 * BEYOND_READ):
        archive.positions.append(position)
        await stream.send(pushed(position))
    assert archive.reads - reads <= 5
    archive.settled = 2**40
    await stream.rest()
    assert client.last_id  # of the last event
    await stream.send(pushed(1000))
    assert client.last_id == f"gen.{5 * BEYOND_READ - 1:x}.{1000 - 5 * BEYOND_READ + 1:x}"
    assert client.got == [*range(1, 5 * BEYOND_READ), 1000]


async def test_a_push_that_was_lost_is_told_at_rest() -> None:
    archive, client = Archive(), Client()
    stream = await connect(archive, client)
    archive.positions = [1, 2]
    await stream.send(pushed(2))
    await stream.rest()
    assert sorted(client.got) == [1, 2]


@pytest.mark.parametrize("last_id", ["gen.ff", "older.1", "1700000000000"])
async def test_another_generation_or_a_place_beyond_the_end_asks_for_a_sync(last_id: str) -> None:
    archive, client = Archive(), Client()
    archive.positions = [1, 2, 3]
    client.last_id = last_id
    await connect(archive, client)
    assert (client.names, client.got, client.last_id) == (["resync"], [], "gen.3")


async def test_who_missed_too_much_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hongyan.access.http.resuming.RESUMED_MAX", 10)
    archive, client = Archive(), Client()
    await connect(archive, client)
    archive.positions = list(range(1, 100))
    await connect(archive, client)
    assert client.names[-1] == "resync"
    assert client.last_id == f"gen.{99:x}"


@pytest.mark.parametrize("seed", range(30))
async def test_any_order_of_commits_pushes_breaks_and_losses(seed: int) -> None:
    """Several writers; the positions below ``settled`` are all committed, or never will be."""
    chance = random.Random(seed)
    archive, client = Archive(), Client()
    archive.settled = 0
    stream = await connect(archive, client)
    under_way: list[int] = []
    positions = itertools.count(1)
    for _ in range(300):
        what = chance.random()
        if what < 0.4:
            under_way.append(next(positions))
        elif what < 0.8 and under_way:
            committed = under_way.pop(chance.randrange(len(under_way)))
            archive.positions.append(committed)
            archive.settled = min(under_way, default=next(positions)) - 1
            if chance.random() < 0.8:
                await stream.send(pushed(committed))
        elif what < 0.9:
            await stream.rest()
        else:
            stream = await connect(archive, client)
    archive.settled = 2**40
    archive.positions += under_way
    await connect(archive, client)
    assert sorted(client.got) == sorted(archive.positions)
