"""The media services over both stores, with a folder for bytes and a prober that knows all."""

from pathlib import Path

import pytest

from hongyan.domain.group.model import Group, Member, Role
from hongyan.domain.log.model import Commit, Put
from hongyan.domain.media.access import MediaAccess
from hongyan.domain.media.collecting import Collecting
from hongyan.domain.media.commands import AdvanceUpload, CreateUpload, FinishUpload
from hongyan.domain.media.media import MediaService
from hongyan.domain.media.model import MediaDetails, MediaItem
from hongyan.domain.media.ports import Probed, Sniffed, Unreadable
from hongyan.domain.media.processing import Processing
from hongyan.domain.media.rules import MediaLimits
from hongyan.domain.media.uploads import Uploads
from hongyan.domain.message.attachment import Attaching
from hongyan.domain.message.commands import SendMessage
from hongyan.domain.message.forward import Forwarding
from hongyan.domain.message.mention import Mentioning
from hongyan.domain.message.model import File
from hongyan.domain.message.recall import Recalling
from hongyan.domain.message.removal import Removal
from hongyan.domain.message.schedule import Scheduling
from hongyan.domain.message.send import Sending
from hongyan.domain.message.send_contexts import SendContexts
from hongyan.domain.message.targets import Targets
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.user.model import User
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.objects.staging import FolderStaging
from hongyan.infra.security.tickets import HmacTickets
from hongyan.kernel.bus import Actor
from hongyan.kernel.ids import Kind, direct_id, self_id
from hongyan.kernel.turns import Turns

LIMITS = MediaLimits(file_bytes=1_000, quota_bytes=2_500, uploads=4, refused_types=("text/x-bad",))


def _content(path: Path) -> bytes:
    return path.read_bytes()


class FakeProber:
    """Takes bytes that begin with a type for files of that type."""

    def __init__(self):
        self.asked = 0

    async def sniff(self, head: bytes, _tail: bytes) -> Sniffed:
        mime = head.partition(b"|")[0].decode() or "text/plain"
        is_probed = mime.startswith("image/")
        return Sniffed(mime, is_plain=is_probed, is_probed=is_probed)

    async def probe(self, path: Path, mime: str) -> Probed:
        self.asked += 1
        if b"broken" in _content(path):
            raise Unreadable("broken")
        details = MediaDetails(width=4, height=3, variants=("thumb",))
        return Probed(details, pictures={"thumb": b"small"})


class Harness:
    """Alice, Bob and Carol with their direct conversations, and a group of Alice and Bob."""

    alice, bob, carol = "alice", "bob", "carol"
    direct = direct_id("alice", "bob")
    other = direct_id("bob", "carol")
    alone = self_id("alice")
    team = "g" + "a" * 16

    def __init__(self, store, clock, folder):
        self.store, self.clock, self.folder = store, clock, folder
        self.prober = FakeProber()
        self.staging, self.objects = FolderStaging(folder), FolderObjects(folder)
        turns = Turns()
        visibility = visibility_of(store)
        self.access = MediaAccess(store, store, clock, visibility, LIMITS)
        self.uploads = Uploads(
            store, store, clock, self.staging, self.objects, self.prober, turns, LIMITS
        )
        self.processing = Processing(store, store, clock, self.objects, self.prober)
        self.collecting = Collecting(store, store, self.objects, self.uploads, turns)
        contexts = SendContexts(store, store)
        targets, mentions = Targets(store, store, contexts, visibility), Mentioning(store)
        attaching = Attaching(self.access)
        removal = Removal(store, store, mentions, attaching)
        sending = Sending(store, store, clock, contexts, mentions, attaching=attaching)
        self.scheduling = Scheduling(store, store, clock, targets, sending, attaching=attaching)
        tickets = HmacTickets(b"k" * 32)
        self.bus = LocalBus()
        for part in (
            self.access,
            self.uploads,
            MediaService(store, store, clock, self.access, tickets, turns, LIMITS),
            sending,
            self.scheduling,
            Forwarding(store, targets, sending),
            Recalling(clock, targets, removal),
        ):
            self.bus.serve(part)
        self.sent = 0

    def another_process(self):
        """Return what takes uploads elsewhere, over the same store."""
        return Uploads(
            self.store,
            self.store,
            self.clock,
            self.staging,
            self.objects,
            self.prober,
            Turns(),
            LIMITS,
        )

    async def populate(self):
        people = (self.alice, self.bob, self.carol)
        rows = [User(user_id=who, name=who) for who in people]
        pairs = [(self.direct, self.alice), (self.direct, self.bob), (self.other, self.bob)]
        pairs += [(self.other, self.carol), (self.alone, self.alice), (self.team, self.bob)]
        rows += [Member(conversation_id=where, user_id=who) for where, who in pairs]
        rows.append(
            Member(
                conversation_id=self.team,
                user_id=self.alice,
                role=Role.OWNER,
                rank=Role.OWNER.rank,
            )
        )
        rows.append(
            Group(conversation_id=self.team, kind=Kind.GROUP, name="T", owner_id=self.alice)
        )
        await self.store.commit(Commit(changes=tuple(Put(row) for row in rows)))

    async def do(self, who, command):
        return await self.bus.call(Actor(who, "v-" + who), command)

    async def begin(self, who, data, name="f.bin"):
        """Announce a file, bring all its bytes, and return the upload's id."""
        upload = await self.do(who, CreateUpload(length_bytes=len(data), name=name))
        part = await self.staging.open(upload.upload_id, 0)
        await part.write(data)
        offset = await part.sync()
        await part.close()
        advance = AdvanceUpload(upload_id=upload.upload_id, offset_bytes=offset)
        await self.do(who, advance)
        return upload.upload_id

    async def upload(self, who, data=b"text/plain|hello", name="f.bin"):
        upload_id = await self.begin(who, data, name)
        return (await self.do(who, FinishUpload(upload_id=upload_id))).media_id

    async def show(self, who, where, media_id, **more):
        self.sent += 1
        command = SendMessage(
            conversation_id=where,
            client_id=f"c{self.sent}",
            content=more.pop("content", None) or File(media_id=media_id),
            **more,
        )
        return (await self.do(who, command)).seq

    async def reads(self, who, media_id):
        item = await self.store.get(MediaItem, media_id)
        return item is not None and await self.access.may_read(who, item)

    async def run(self, ms=0):
        self.clock.advance(ms)
        while await self.collecting.run(self.clock.now_ms()):
            pass

    def names(self):
        """Return the names of all objects and of all that is staged."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
async def harness(store, clock, tmp_path):
    harness = Harness(store, clock, tmp_path / "files")
    await harness.populate()
    return harness
