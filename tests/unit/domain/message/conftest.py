"""Two friends, a group of four, and all that can happen to their messages."""

import msgspec
import pytest

from hongyan.domain.group.model import Group, Member, Role
from hongyan.domain.log.model import Bump, Commit, Put
from hongyan.domain.message.burn import Burning
from hongyan.domain.message.commands import SendMessage
from hongyan.domain.message.edit import Editing
from hongyan.domain.message.favourite import Favouring
from hongyan.domain.message.forward import Forwarding
from hongyan.domain.message.mention import Mentioning
from hongyan.domain.message.metadata import MetadataQueries
from hongyan.domain.message.model import MessageBody, Text
from hongyan.domain.message.pin import Pinning
from hongyan.domain.message.poll import Polling
from hongyan.domain.message.react import Reacting
from hongyan.domain.message.recall import Recalling
from hongyan.domain.message.removal import Removal
from hongyan.domain.message.schedule import Scheduling
from hongyan.domain.message.send import Sending
from hongyan.domain.message.send_contexts import SendContexts
from hongyan.domain.message.targets import Targets
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.user.model import User
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import Actor
from hongyan.kernel.ids import Kind, direct_id


class Chat:
    """Alice owns the group, Bob is an admin, Carol and Dave are members."""

    alice, bob, carol, dave = "alice", "bob", "carol", "dave"
    direct = direct_id("alice", "bob")
    team = "g" + "a" * 16

    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.sent = 0
        self.build()

    def build(self, **editing):
        """Make the services anew, as a restart does."""
        store, clock = self.store, self.clock
        contexts = SendContexts(store, store)
        mentions = Mentioning(store)
        visibility = visibility_of(store)
        targets = Targets(store, store, contexts, visibility)
        removal = Removal(store, store, mentions)
        sending = Sending(store, store, clock, contexts, mentions)
        self.scheduling = Scheduling(store, store, clock, targets, sending)
        self.burning = Burning(store, store, store, targets, removal)
        self.bus = LocalBus()
        for service in (
            sending,
            self.scheduling,
            Editing(store, store, clock, targets, mentions, **editing),
            Recalling(clock, targets, removal),
            Reacting(store, clock, targets),
            Pinning(store, clock, targets),
            Polling(store, clock, targets),
            MetadataQueries(store, targets),
            Favouring(store, store, clock, targets, visibility),
            Forwarding(store, targets, sending),
        ):
            self.bus.serve(service)

    def another_worker(self):
        """Return the same services again over the same store, as another process has them."""
        return Chat(self.store, self.clock)

    async def put(self, *rows, bump=()):
        changes = (*(Put(row) for row in rows), *(Bump(log_id) for log_id in bump))
        await self.store.commit(Commit(changes=changes))

    async def do(self, who, command):
        return await self.bus.call(Actor(who, "v-" + who), command)

    async def send(self, who, where, content="hi", **more):
        self.sent += 1
        command = SendMessage(
            conversation_id=where,
            client_id=more.pop("client_id", f"c{self.sent}"),
            content=Text(content) if isinstance(content, str) else content,
            **more,
        )
        return (await self.do(who, command)).seq

    async def body(self, where, seq):
        (entry,) = await self.store.read(where, seq, seq, 1)
        return msgspec.json.decode(entry.body, type=MessageBody)

    async def told(self, where, kind):
        """Return (sender, body) of the entries of one kind."""
        entries = await self.store.read(where, 1, 10_000, 10_000, kinds=(kind,))
        return [(entry.sender, msgspec.json.decode(entry.body)) for entry in entries]

    async def rows(self, *kinds):
        """Return how many rows of these kinds there are."""
        return sum([await self.store.count(kind) for kind in kinds])

    async def everything(self, where):
        """Return all bodies of a log as one text."""
        entries = await self.store.read(where, 1, 10_000, 10_000)
        return b"\n".join(bytes(entry.body) for entry in entries).decode()


@pytest.fixture
async def chat(store, clock):
    chat = Chat(store, clock)
    people = (chat.alice, chat.bob, chat.carol, chat.dave)
    group = Group(conversation_id=chat.team, kind=Kind.GROUP, name="Team", owner_id=chat.alice)
    roles = {chat.alice: Role.OWNER, chat.bob: Role.ADMIN}
    await chat.put(
        *(User(user_id=who, name=who.title()) for who in people),
        *(Member(conversation_id=chat.direct, user_id=who) for who in people[:2]),
        group,
        *(
            Member(
                conversation_id=chat.team,
                user_id=who,
                role=roles.get(who, Role.MEMBER),
                rank=roles.get(who, Role.MEMBER).rank,
            )
            for who in people
        ),
    )
    return chat
