"""Who sees which text, through every way in, against a plain model.

Every version of every message has a text of its own. The model knows of each person the stretch
of the group's log that is theirs and what was said when; the services are the real ones. People
join, leave, are kicked or banned, and come back; the group hides its history and shows it again.
"""

import asyncio
import re
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hongyan.delivery.audience import AskingDescriptions
from hongyan.delivery.hub import Hub
from hongyan.delivery.resyncs import Resyncs
from hongyan.delivery.withholding import Withholding
from hongyan.domain.catalog import ROWS
from hongyan.domain.conversation.commands import (
    ClearConversation,
    GetConversation,
    GetHistory,
    HideMessages,
    Sync,
)
from hongyan.domain.conversation.history import Histories
from hongyan.domain.conversation.opening import Opening
from hongyan.domain.conversation.preferences import Preferences
from hongyan.domain.conversation.queries import ConversationQueries
from hongyan.domain.conversation.sync import Syncing
from hongyan.domain.group.commands import CreateGroup, NotAMember, UpdateGroup
from hongyan.domain.group.commands_members import (
    AddMembers,
    BanMember,
    KickMembers,
    LeaveGroup,
    UnbanMember,
)
from hongyan.domain.group.groups import GroupService
from hongyan.domain.group.joining import JoiningService
from hongyan.domain.group.members import MemberService
from hongyan.domain.group.repository import GroupRepository
from hongyan.domain.log.model import Commit, Committed, Put
from hongyan.domain.message.commands import EditMessage, GetMessage, RecallMessage, SendMessage
from hongyan.domain.message.commands_metadata import (
    KeepFavourite,
    ListFavourites,
    ListMarks,
    ListPins,
    PinMessage,
    React,
)
from hongyan.domain.message.edit import Editing
from hongyan.domain.message.favourite import Favouring
from hongyan.domain.message.mention import Mentioning
from hongyan.domain.message.metadata import MetadataQueries
from hongyan.domain.message.model import Text
from hongyan.domain.message.pin import Pinning
from hongyan.domain.message.react import Reacting
from hongyan.domain.message.recall import Recalling
from hongyan.domain.message.removal import Removal
from hongyan.domain.message.rules import Windows
from hongyan.domain.message.send import Sending
from hongyan.domain.message.send_contexts import SendContexts
from hongyan.domain.message.targets import Targets
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.user.model import User
from hongyan.infra.local.audience import RecordsConversations, RecordsMembers
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import NotFound
from tests.conftest import FakeClock
from tests.memory.store import MemoryStore

OWNER = "owner"
OTHERS = ("ann", "ben", "cat")
PEOPLE = (OWNER, *OTHERS)
MARKS = ("react", "keep", "pin")
END = 2**53
TEXT = re.compile(r"text\d+\.")


def texts_in(*answers):
    """Return every text that stands anywhere in these answers."""
    return set(TEXT.findall(msgspec.json.encode(answers).decode()))


class Place:
    """What the model knows of one person: the stretch, and what they put away."""

    def __init__(self, first):
        self.first, self.last = first, END
        self.cleared = 0
        self.hidden = set()
        self.favourites = set()


class Said:
    """One message: its texts, each with the seq of the entry that told it; or recalled."""

    def __init__(self, sender, seq, text):
        self.sender = sender
        self.versions = [(seq, text)]
        self.recalled = False

    def at(self, last):
        """Return what it said when ``last`` was the newest seq."""
        if self.recalled:
            return None
        return [text for seq, text in self.versions if seq <= last][-1]


class Encoder:
    def encode(self, event, position=0):
        return event


class Peer:
    """A device of one person, which is connected all the time."""

    def __init__(self, who):
        self.user_id, self.device_id, self.connection_id = who, f"v-{who}", ""
        self.encoder = ENCODER
        self.got = []

    def push(self, frame):
        self.got.append(frame)


ENCODER = Encoder()


class WhoSeesWhat(RuleBasedStateMachine):
    """Everything that may change who sees what."""

    store_type = MemoryStore

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.count = 0
        self.said = {}
        self.places = {}
        self.active = {OWNER}
        self.shows_history = True

    def run(self, awaitable):
        async def through():
            result = await awaitable
            while self.hub._tasks:
                await asyncio.gather(*self.hub._tasks)
            return result

        return self.loop.run_until_complete(through())

    def teardown(self):
        if hasattr(self, "store"):
            self.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    @initialize()
    def begin(self):
        self.loop.run_until_complete(self._begin())
        for who in OTHERS[:2]:
            self.come(who)
        self.tell(OWNER)

    async def _begin(self):
        self.bus, clock = LocalBus(), FakeClock()
        if self.store_type is MemoryStore:
            store = MemoryStore(ROWS, self.bus.publish)
        else:
            store = SqliteStore(Path(self.folder.name) / "h.db", ROWS, self.bus.publish)
        self.store = store
        self.visibility = visibility_of(store)
        self.hub = Hub(
            RecordsMembers(store),
            RecordsConversations(store),
            AskingDescriptions(self.bus),
            Resyncs(lambda _delay_s, _call: None),
            withholding=Withholding(self.bus),
        )
        self.bus.subscribe(Committed, self.hub.committed)
        await store.start()
        contexts, mentions, repository = (
            SendContexts(store, store),
            Mentioning(store),
            GroupRepository(store, store, clock),
        )
        targets = Targets(store, store, contexts, self.visibility)
        queries = ConversationQueries(store, store, store, self.visibility)
        removal = Removal(store, store, mentions)
        for part in (
            self.visibility,
            *(GroupService(repository), MemberService(repository), JoiningService(repository)),
            *(
                Opening(queries, clock),
                Histories(queries),
                Syncing(queries, store),
                Preferences(queries, clock),
            ),
            Sending(store, store, clock, contexts, mentions),
            Editing(store, store, clock, targets, mentions, windows=Windows(edit_ms=0)),
            Recalling(clock, targets, removal, Windows(recall_ms=0, admin_recall_ms=0)),
            *(Reacting(store, clock, targets), Pinning(store, clock, targets)),
            *(MetadataQueries(store, targets),),
            Favouring(store, store, clock, targets, self.visibility),
        ):
            self.bus.serve(part)
        rows = [Put(User(user_id=who, name=who)) for who in PEOPLE]
        await store.commit(Commit(changes=tuple(rows)))
        made = await self.do(OWNER, CreateGroup(client_id="g", name="G", user_ids=()))
        self.group = made.info.group.conversation_id
        self.places[OWNER] = Place(1)
        self.peers = {who: Peer(who) for who in PEOPLE}
        for peer in self.peers.values():
            await self.hub.attach(peer)
        self.tips = {OWNER: 2}

    async def do(self, who, command):
        return await self.bus.call(Actor(who, "v-" + who), command)

    def ask(self, who, command):
        """Return the answer, or None where the caller is no member, or sees no such message."""
        try:
            return self.run(self.do(who, command))
        except (NotAMember, NotFound):
            return None

    def head(self):
        return self.run(self.store.states([self.group]))[self.group].seq

    def text(self):
        self.count += 1
        return f"text{self.count}."

    # --- what the model says ---

    def may_see(self, who, seq):
        place = self.places.get(who)
        return place is not None and place.first <= seq <= place.last

    def is_shown(self, who, seq):
        place = self.places.get(who)
        return self.may_see(who, seq) and seq > place.cleared and seq not in place.hidden

    def shown_to(self, who, judge):
        """Return the texts that this person gets, by seq."""
        last = self.places[who].last if who in self.places else 0
        found = {seq: said.at(last) for seq, said in self.said.items() if judge(who, seq)}
        return {seq: text for seq, text in found.items() if text is not None}

    # --- what people do ---

    @rule(who=st.sampled_from(OTHERS), how=st.sampled_from(("leaves", "is kicked", "is banned")))
    def come_or_go(self, who, how):
        if who in self.active:
            self.go(who, how)
        else:
            self.come(who)

    def come(self, who):
        self.run(self.do(OWNER, AddMembers(conversation_id=self.group, user_ids=(who,))))
        back, self.places[who] = self.places.get(who), Place(1)
        if not self.shows_history:
            self.places[who].first = self.head()
        if back is not None:
            self.places[who].cleared, self.places[who].hidden = back.cleared, back.hidden
            self.places[who].favourites = back.favourites
        self.active.add(who)
        self.tips[who] = self.head() - 1

    def go(self, who, how):
        if how == "leaves":
            self.run(self.do(who, LeaveGroup(conversation_id=self.group)))
        elif how == "is kicked":
            self.run(self.do(OWNER, KickMembers(conversation_id=self.group, user_ids=(who,))))
        else:
            self.run(self.do(OWNER, BanMember(conversation_id=self.group, user_id=who)))
        self.places[who].last = self.head()
        self.active.discard(who)
        if how == "is banned":
            self.run(self.do(OWNER, UnbanMember(conversation_id=self.group, user_id=who)))

    @rule(visible=st.booleans())
    def set_history(self, visible):
        self.run(self.do(OWNER, UpdateGroup(conversation_id=self.group, history_visible=visible)))
        self.shows_history = visible

    @rule(data=st.data())
    def say(self, data):
        who = data.draw(st.sampled_from(sorted(self.active)))
        self.tell(who, data.draw(st.sampled_from((0, *self.said))))

    def tell(self, who, quote=0):
        text = self.text()
        send = SendMessage(
            conversation_id=self.group,
            client_id=f"c{self.count}",
            content=Text(text),
            quote_seq=quote,
        )
        if quote and not (self.may_see(who, quote) and not self.said[quote].recalled):
            send = msgspec.structs.replace(send, quote_seq=0)
            if not self.may_see(who, quote):
                refused = msgspec.structs.replace(send, quote_seq=quote)
                assert self.ask(who, refused) is None
        seq = self.run(self.do(who, send)).seq
        self.said[seq] = Said(who, seq, text)

    def editable(self):
        return [
            seq
            for seq, said in self.said.items()
            if not said.recalled and said.sender in self.active and self.is_shown(said.sender, seq)
        ]

    @precondition(lambda self: self.editable())
    @rule(data=st.data())
    def edit(self, data):
        seq = data.draw(st.sampled_from(self.editable()))
        said, text = self.said[seq], self.text()
        command = EditMessage(conversation_id=self.group, seq=seq, content=Text(text))
        told = self.run(self.do(said.sender, command))
        said.versions.append((told.entry_seq, text))

    @precondition(lambda self: len(self.said) > 2)
    @rule(data=st.data())
    def recall(self, data):
        seq = data.draw(st.sampled_from(sorted(self.said)))
        if self.ask(OWNER, RecallMessage(conversation_id=self.group, seq=seq)) is not None:
            self.said[seq].recalled = True

    @precondition(lambda self: self.said)
    @rule(what=st.sampled_from(MARKS), data=st.data())
    def mark(self, what, data):
        who = data.draw(st.sampled_from(sorted(self.places)))
        seq = data.draw(st.sampled_from(sorted(self.said)))
        if self.said[seq].recalled:
            return
        commands = {
            "react": React(conversation_id=self.group, seq=seq, emoji="👍", add=True),
            "keep": KeepFavourite(conversation_id=self.group, seq=seq),
            "pin": PinMessage(conversation_id=self.group, seq=seq),
        }
        who = OWNER if what == "pin" else who
        done = self.ask(who, commands[what])
        assert (done is not None) == (who in self.active and self.is_shown(who, seq))
        if done is not None and what == "keep":
            self.places[who].favourites.add(seq)

    @rule(who=st.sampled_from(OTHERS))
    def clear(self, who):
        if who not in self.places:
            return
        head = self.head()
        self.run(self.do(who, ClearConversation(conversation_id=self.group)))
        self.places[who].cleared = head

    @precondition(lambda self: self.said)
    @rule(who=st.sampled_from(PEOPLE), data=st.data())
    def hide(self, who, data):
        seq = data.draw(st.sampled_from(sorted(self.said)))
        command = HideMessages(conversation_id=self.group, seqs=(seq,))
        if self.ask(who, command) is not None:
            assert self.may_see(who, seq)
            self.places[who].hidden.add(seq)

    # --- what they see ---

    @invariant()
    def history_shows_what_the_model_says(self):
        if not self.places:
            return
        for who in PEOPLE:
            shown = self.shown_to(who, self.is_shown)
            page = self.ask(who, GetHistory(conversation_id=self.group, after_seq=0, limit=200))
            assert (page is not None) == (who in self.places)
            entries = () if page is None else page.entries
            found = {e.seq: texts_in(e) for e in entries if e.kind == "message"}
            assert {seq: one for seq, one in found.items() if one} == {
                seq: {text} for seq, text in shown.items()
            }, who
            assert texts_in(page) <= set(shown.values())
            for entry in entries:
                about = msgspec.json.decode(entry.body).get("seq", entry.seq)
                assert self.is_shown(who, entry.seq)
                assert self.is_shown(who, about)

    @rule(who=st.sampled_from(PEOPLE))
    def look_closely(self, who):
        """One person looks through all the other doors."""
        shown = self.shown_to(who, self.is_shown)
        allowed = set(shown.values()) if who in self.active else set()
        synced = self.run(self.do(who, Sync(entries_per_conversation=50)))
        listed = self.ask(who, GetConversation(conversation_id=self.group))
        assert texts_in(synced) == allowed
        assert texts_in(listed) <= allowed
        for seq in self.said:
            got = self.ask(who, GetMessage(conversation_id=self.group, seq=seq))
            assert (got is not None) == (who in self.active and self.is_shown(who, seq))
            assert texts_in(got) == ({shown[seq]} if got and seq in shown else set())
        pins = self.ask(who, ListPins(conversation_id=self.group))
        assert texts_in(pins) <= set(shown.values())
        ask = ListMarks(conversation_id=self.group, first_seq=1, last_seq=500)
        marks = self.ask(who, ask)
        assert all(self.is_shown(who, row.seq) for row in (marks.marks if marks else ()))

    @invariant()
    def favourites_and_bots_get_what_may_be_seen(self):
        if not self.places:
            return
        everything = self.run(self.store.read(self.group, 1, END, 10_000))
        for who in PEOPLE:
            may = self.shown_to(who, self.may_see)
            kept = self.places[who].favourites if who in self.places else set()
            found = self.run(self.do(who, ListFavourites())).favourites
            assert {one.message.seq: texts_in(one.message) for one in found} == {
                seq: {text} for seq, text in may.items() if seq in kept
            }
            seen = self.run(self.visibility.visible(who, everything, even_cleared=True))
            said = {e.seq: texts_in(e) for e in seen if e.kind == "message" and texts_in(e)}
            assert said == {seq: {text} for seq, text in may.items()}, (who, said, may)
            assert texts_in(seen) <= set(may.values())
        for entry in everything[-3:]:
            viewers = self.run(self.visibility.viewers(entry, PEOPLE))
            about = msgspec.json.decode(entry.body).get("seq", entry.seq)
            assert viewers == {
                who for who in PEOPLE if self.may_see(who, entry.seq) and self.may_see(who, about)
            }

    @invariant()
    def pushes_have_no_gap_and_tell_nothing_that_is_not_to_be_seen(self):
        if not self.places:
            return
        for who, peer in self.peers.items():
            got = [entry for entry in peer.got if entry.log_id == self.group]
            peer.got.clear()
            seqs = [entry.seq for entry in got]
            if who in self.active:
                assert seqs == list(range(self.tips[who] + 1, self.head() + 1))
                self.tips[who] = self.head()
            for entry in got:
                about = msgspec.json.decode(entry.body).get("seq", entry.seq)
                assert self.may_see(who, about), (who, entry)


class WhoSeesWhatInSqlite(WhoSeesWhat):
    """The same, on disk."""

    store_type = SqliteStore


CHECKED = settings(suppress_health_check=list(HealthCheck))
TestWhoSeesWhat = WhoSeesWhat.TestCase
TestWhoSeesWhat.settings = settings(CHECKED, max_examples=60, stateful_step_count=30)
TestWhoSeesWhatInSqlite = WhoSeesWhatInSqlite.TestCase
TestWhoSeesWhatInSqlite.settings = settings(CHECKED, max_examples=4, stateful_step_count=12)
