"""Who may read a file, against a plain model: joins, leaves, recalls, visible history.

The model knows of each group who is in it, the stretch of the log that each member sees, and
where each file is shown. The services are the real ones.
"""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from hongyan.domain.catalog import ROWS
from hongyan.domain.group.commands import CreateGroup, UpdateGroup
from hongyan.domain.group.commands_members import AddMembers, KickMembers, LeaveGroup
from hongyan.domain.group.groups import GroupService
from hongyan.domain.group.members import MemberService
from hongyan.domain.group.repository import GroupRepository
from hongyan.domain.log.model import Commit, Put
from hongyan.domain.media.access import MediaAccess
from hongyan.domain.media.commands import GetMedia, NoSuchMedia
from hongyan.domain.media.media import MediaService
from hongyan.domain.media.model import MediaItem
from hongyan.domain.message.attachment import Attaching
from hongyan.domain.message.commands import ForwardMessages, RecallMessage, SendMessage
from hongyan.domain.message.forward import Forwarding
from hongyan.domain.message.mention import Mentioning
from hongyan.domain.message.model import File, Text
from hongyan.domain.message.recall import Recalling
from hongyan.domain.message.removal import Removal
from hongyan.domain.message.rules import Windows
from hongyan.domain.message.send import Sending
from hongyan.domain.message.send_contexts import SendContexts
from hongyan.domain.message.targets import Targets
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.user.model import User
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.security.tickets import HmacTickets
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.bus import Actor
from hongyan.kernel.turns import Turns
from tests.conftest import FakeClock
from tests.memory.store import MemoryStore

OWNER = "owner"
OTHERS = ("ann", "ben", "cat")
PEOPLE = (OWNER, *OTHERS)
GROUPS = 2
FILES = 3
END = 2**53


class Visible:
    """What the model knows of one person in one group."""

    def __init__(self, first, last=END):
        self.first, self.last = first, last


class FilesOfGroups(RuleBasedStateMachine):
    """Everything that may change who can read a file."""

    store_type = MemoryStore

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.sent = 0
        self.groups = []
        self.visible_ranges = {}
        self.active = set()
        self.hidden_history = set()
        self.shown = {}  # (group, seq) -> file

    def run(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    def teardown(self):
        self.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    @initialize()
    def begin(self):
        self.run(self._begin())

    async def _begin(self):
        if self.store_type is MemoryStore:
            store = MemoryStore(ROWS, lambda _: None)
        else:
            store = SqliteStore(Path(self.folder.name) / "h.db", ROWS, lambda _: None)
        self.store, clock = store, FakeClock()
        await store.start()
        access = MediaAccess(store, store, clock, visibility_of(store))
        contexts = SendContexts(store, store)
        targets, attaching = (
            Targets(store, store, contexts, visibility_of(store)),
            Attaching(access),
        )
        mentions = Mentioning(store)
        sending = Sending(store, store, clock, contexts, mentions, attaching=attaching)
        repository = GroupRepository(store, store, clock, access)
        removal = Removal(store, store, mentions, attaching)
        self.bus = LocalBus()
        for part in (
            MediaService(store, store, clock, access, HmacTickets(b"k" * 32), Turns()),
            sending,
            GroupService(repository),
            MemberService(repository),
            Forwarding(store, targets, sending),
            Recalling(clock, targets, removal, Windows(recall_ms=0)),
        ):
            self.bus.serve(part)
        rows = [User(user_id=who, name=who) for who in PEOPLE]
        rows += [
            MediaItem(
                media_id=f"m{n}", owner_id=PEOPLE[n], sha256=f"{n}" * 64, size_bytes=1, mime="x/y"
            )
            for n in range(FILES)
        ]
        await store.commit(Commit(changes=tuple(Put(row) for row in rows)))
        for n in range(GROUPS):
            command = CreateGroup(client_id=f"g{n}", name="G", user_ids=(), join_policy="free")
            made = await self.do(OWNER, command)
            self.groups.append(made.conversation_id)
            self.visible_ranges[self.groups[n], OWNER] = Visible(1)
            self.active.add((self.groups[n], OWNER))

    async def do(self, who, command):
        return await self.bus.call(Actor(who, "v-" + who), command)

    def head(self, group):
        return self.run(self.store.states([group]))[group].seq

    def may_read(self, who, file):
        if PEOPLE[file] == who:
            return True
        for (group, seq), shown in self.shown.items():
            visible = self.visible_ranges.get((group, who))
            if shown == file and visible is not None and visible.first <= seq <= visible.last:
                return True
        return False

    @rule(n=st.integers(0, GROUPS - 1), who=st.sampled_from(OTHERS))
    def join(self, n, who):
        group = self.groups[n]
        if (group, who) in self.active:
            return
        self.run(self.do(OWNER, AddMembers(conversation_id=group, user_ids=(who,))))
        seq = self.head(group)
        self.visible_ranges[group, who] = Visible(seq if group in self.hidden_history else 1)
        self.active.add((group, who))

    @rule(n=st.integers(0, GROUPS - 1), who=st.sampled_from(OTHERS), kicked=st.booleans())
    def leave(self, n, who, kicked):
        group = self.groups[n]
        if (group, who) not in self.active:
            return
        if kicked:
            self.run(self.do(OWNER, KickMembers(conversation_id=group, user_ids=(who,))))
        else:
            self.run(self.do(who, LeaveGroup(conversation_id=group)))
        self.visible_ranges[group, who].last = self.head(group)
        self.active.discard((group, who))

    @rule(n=st.integers(0, GROUPS - 1), visible=st.booleans())
    def set_history(self, n, visible):
        group = self.groups[n]
        self.run(self.do(OWNER, UpdateGroup(conversation_id=group, history_visible=visible)))
        (self.hidden_history.discard if visible else self.hidden_history.add)(group)

    @rule(n=st.integers(0, GROUPS - 1), who=st.sampled_from(PEOPLE), file=st.integers(0, FILES - 1))
    def show(self, n, who, file):
        group = self.groups[n]
        if (group, who) not in self.active:
            return
        self.sent += 1
        command = SendMessage(
            conversation_id=group, client_id=f"c{self.sent}", content=File(media_id=f"m{file}")
        )
        try:
            seq = self.run(self.do(who, command)).seq
        except NoSuchMedia:
            assert not self.may_read(who, file)
            return
        assert self.may_read(who, file)
        self.shown[group, seq] = file

    @rule(n=st.integers(0, GROUPS - 1))
    def chat(self, n):
        self.sent += 1
        command = SendMessage(
            conversation_id=self.groups[n], client_id=f"c{self.sent}", content=Text("hi")
        )
        self.run(self.do(OWNER, command))

    @precondition(lambda self: self.shown)
    @rule(data=st.data())
    def recall(self, data):
        group, seq = data.draw(st.sampled_from(sorted(self.shown)))
        self.run(self.do(OWNER, RecallMessage(conversation_id=group, seq=seq)))
        del self.shown[group, seq]

    @precondition(lambda self: self.shown)
    @rule(data=st.data())
    def forward(self, data):
        group, seq = data.draw(st.sampled_from(sorted(self.shown)))
        target = self.groups[data.draw(st.integers(0, GROUPS - 1))]
        self.sent += 1
        command = ForwardMessages(
            conversation_id=group, client_id=f"f{self.sent}", seqs=(seq,), targets=(target,)
        )
        report = self.run(self.do(OWNER, command))
        for ack in report.targets[0].receipts:
            self.shown[target, ack.seq] = self.shown[group, seq]
        assert report.targets[0].receipts

    @invariant()
    def everybody_reads_what_the_model_says(self):
        if not self.groups:
            return
        for who in PEOPLE:
            for file in range(FILES):
                try:
                    self.run(self.do(who, GetMedia(media_id=f"m{file}")))
                    reads = True
                except NoSuchMedia:
                    reads = False
                assert reads == self.may_read(who, file), (who, file)


class FilesOfGroupsInSqlite(FilesOfGroups):
    """The same, on disk."""

    store_type = SqliteStore


CHECKED = settings(suppress_health_check=list(HealthCheck))
TestFilesOfGroups = FilesOfGroups.TestCase
TestFilesOfGroups.settings = settings(CHECKED, max_examples=150, stateful_step_count=40)
TestFilesOfGroupsInSqlite = FilesOfGroupsInSqlite.TestCase
TestFilesOfGroupsInSqlite.settings = settings(CHECKED, max_examples=10, stateful_step_count=20)
