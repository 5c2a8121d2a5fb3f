"""Devices that sync now and then see exactly what a plain model says they should."""

import asyncio

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.conftest import FakeClock
from tests.memory.store import MemoryStore

from hongyan.domain.conversation.commands import (
    ClearConversation,
    GetHistory,
    HideMessages,
    MarkRead,
    OpenDirect,
    Sync,
)
from hongyan.domain.conversation.model import ConversationRead, MessagesHidden
from hongyan.domain.group.model import Member
from hongyan.domain.log.model import Put
from hongyan.domain.user.model import User
from hongyan.domain.visibility.model import Preference
from hongyan.kernel.ids import direct_id

from .conftest import ALICE, BOB, TEAM, Harness

CHAT = direct_id(ALICE, BOB)
PLACES = (CHAT, TEAM)
places = st.sampled_from(PLACES)
people = st.sampled_from((ALICE, BOB))


class View:
    """What one user may see of one conversation, kept the plain way."""

    def __init__(self):
        self.first = 1
        self.active = True
        self.read = 0
        self.hidden = set()

    def seqs(self, log):
        return {seq for seq in range(self.first, len(log) + 1) if seq not in self.hidden}

    def unread(self, log):
        return sum(
            kind == "message"
            for seq, (_, kind) in enumerate(log, 1)
            if seq > max(self.read, self.first - 1)
        )


class Device:
    """A client that keeps what it was given, and no more than it should."""

    def __init__(self, user_id):
        self.user_id = user_id
        self.user_seq = 0
        self.known = {}
        self.seqs = {}
        self.heads = {}
        self.read = {}

    async def sync(self, harness, entries_per_conversation, limit):
        after, known = "", dict(self.known)
        while after is not None:
            found = await harness.call(
                self.user_id,
                Sync(
                    user_seq=self.user_seq,
                    known=known,
                    entries_per_conversation=entries_per_conversation,
                    limit=limit,
                    after=after,
                ),
            )
            assert len(found.conversations) <= limit
            if not after:
                for place in found.left:
                    del self.known[place], self.seqs[place]
                for entry in found.user_entries:
                    self._apply(entry)
                self.user_seq = found.user_seq
            for one in found.conversations:
                await self._take(harness, one)
            after = found.next_after

    def _apply(self, entry):
        if entry.kind == "conversation.read":
            body = msgspec.json.decode(entry.body, type=ConversationRead)
            place = body.conversation_id
            self.read[place] = max(self.read.get(place, 0), body.read_ordinal)
        elif entry.kind == "preference.changed":
            body = msgspec.json.decode(entry.body, type=Preference)
            place = body.conversation_id
            self._drop(place, lambda seq: seq <= body.cleared_seq)
            self.read[place] = max(self.read.get(place, 0), body.cleared_ordinal)
        elif entry.kind == "messages.hidden":
            body = msgspec.json.decode(entry.body, type=MessagesHidden)
            self._drop(body.conversation_id, lambda seq: seq in body.seqs)

    def _drop(self, place, gone):
        self.seqs[place] = {seq for seq in self.seqs.get(place, ()) if not gone(seq)}

    async def _take(self, harness, one):
        conversation = one.conversation
        place = conversation.conversation_id
        self._drop(place, lambda seq: seq < conversation.member.visible_from)
        got, from_seq, gap = list(one.entries), one.from_seq, one.gap
        while gap and from_seq > self.known.get(place, 0) + 1:
            older = await harness.call(
                self.user_id, GetHistory(conversation_id=place, before_seq=from_seq, limit=2)
            )
            got += older.entries
            from_seq, gap = older.from_seq, older.more_before
        self.seqs[place] |= {entry.seq for entry in got}
        self.known[place] = conversation.head.seq
        self.heads[place] = conversation.head.ordinal
        self.read[place] = conversation.head.ordinal - conversation.unread
        shown = max((e.seq for e in got if e.kind == "message"), default=None)
        if shown is not None:
            assert conversation.last.seq == shown


class Syncing(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.harness = Harness(MemoryStore(), FakeClock())
        self.logs = {place: [] for place in PLACES}
        self.queries = {(place, who): View() for place in PLACES for who in (ALICE, BOB)}
        self.devices = [Device(who) for who in (ALICE, ALICE, BOB, BOB)]

    def teardown(self):
        self.loop.close()

    def run(self, work):
        return self.loop.run_until_complete(work)

    @initialize()
    def start(self):
        self.run(self.harness.put(User(user_id=ALICE), User(user_id=BOB)))
        self.run(self.harness.call(ALICE, OpenDirect(user_id=BOB)))
        self.logs[CHAT].append((None, "created"))
        self.run(self.harness.group())
        self.say(TEAM, ALICE, "created")

    @rule(place=places, who=people, kind=st.sampled_from(("message", "message", "reacted")))
    def say(self, place, who, kind):
        if self.queries[place, who].active:
            self.run(self.harness.say(who, place, kind))
            self.logs[place].append((who, kind))
            if kind == "message":
                self.queries[place, who].read = len(self.logs[place])

    @rule(place=places, who=people, seq=st.integers(0, 12))
    def read(self, place, who, seq):
        view = self.queries[place, who]
        if view.active:
            self.run(self.harness.call(who, MarkRead(conversation_id=place, seq=seq)))
            view.read = max(view.read, min(seq, len(self.logs[place])))

    @rule(place=places, who=people)
    def clear(self, place, who):
        view = self.queries[place, who]
        if view.active:
            self.run(self.harness.call(who, ClearConversation(conversation_id=place)))
            view.first = max(view.first, len(self.logs[place]) + 1)

    @rule(place=places, who=people, data=st.data())
    def hide(self, place, who, data):
        view = self.queries[place, who]
        seqs = sorted(view.seqs(self.logs[place]))
        if view.active and seqs:
            seq = data.draw(st.sampled_from(seqs))
            self.run(self.harness.call(who, HideMessages(conversation_id=place, seqs=(seq,))))
            view.hidden.add(seq)

    @rule()
    def leave_or_come_back(self):
        """Bob leaves the team, or comes back and sees what comes then."""
        view, log = self.queries[TEAM, BOB], self.logs[TEAM]
        here = len(log) + 1
        bounds = {"visible_until": here} if view.active else {"visible_from": here}
        member = Member(conversation_id=TEAM, user_id=BOB, active=not view.active, **bounds)
        kind = "members.left" if view.active else "members.joined"
        self.run(self.harness.say(BOB, TEAM, kind, Put(member)))
        log.append((BOB, kind))
        view.active = not view.active
        if view.active:
            view.first = max(view.first, here)

    @rule(which=st.integers(0, 3), entries=st.integers(0, 3), limit=st.integers(1, 2))
    def sync(self, which, entries, limit):
        device = self.devices[which]
        self.run(device.sync(self.harness, entries, limit))
        for place in PLACES:
            view, log = self.queries[place, device.user_id], self.logs[place]
            if not view.active:
                assert place not in device.known
                continue
            assert device.seqs[place] == view.seqs(log)
            assert device.known[place] == len(log)
            assert device.heads[place] - device.read[place] == view.unread(log)


TestSyncing = Syncing.TestCase
TestSyncing.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)
