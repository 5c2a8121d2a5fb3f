"""A small world: users, the services over a store, and what was published."""

from collections.abc import Iterable
from typing import Any

import pytest

from hongyan.domain.conversation.archive import Archives
from hongyan.domain.conversation.history import Histories
from hongyan.domain.conversation.opening import Opening
from hongyan.domain.conversation.preferences import Preferences
from hongyan.domain.conversation.queries import ConversationQueries
from hongyan.domain.conversation.reading import Reading
from hongyan.domain.conversation.sync import Syncing
from hongyan.domain.conversation.typing_signals import TypingSignals
from hongyan.domain.group.model import Group, Member, MemberCount
from hongyan.domain.log.model import Append, Commit, Entry, Put, Row
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.user.model import User
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import Actor, Command
from hongyan.kernel.ids import Kind, LogId

ALICE, BOB, CAROL = "alice", "bob", "carol"
TEAM = "g" + "a" * 16


class Harness:
    """The services, called as a door calls them."""

    def __init__(self, store: Any, clock: Any) -> None:
        self.store = store
        self.clock = clock
        self.bus = LocalBus()
        self.published: list[Any] = []
        queries = ConversationQueries(store, store, store, visibility_of(store))
        for service in (
            Opening(queries, clock),
            Histories(queries),
            Preferences(queries, clock),
            Reading(queries, clock, self),
            TypingSignals(queries, self),
            Syncing(queries, store),
            Archives(queries, store, store),
        ):
            self.bus.serve(service)

    def publish(self, event: Any) -> None:
        self.published.append(event)

    async def call(self, who: str, command: Command[Any], device: str = "v1") -> Any:
        return await self.bus.call(Actor(who, device, connection_id="k-" + device), command)

    async def put(self, *rows: Row) -> None:
        await self.store.commit(Commit(changes=tuple(Put(row) for row in rows)))

    async def change(self, *changes: Any) -> None:
        await self.store.commit(Commit(changes=changes))

    async def say(
        self, who: str, where: str, kind: str = "message", *changes: Any, about: int = 0
    ) -> Entry:
        """Append a message (counted), or another kind of entry (not counted)."""
        append = Append(
            LogId(where),
            kind,
            who,
            b'{"content":null,"seq":%d}' % about,
            self.clock.now_ms(),
            countable=kind == "message",
        )
        return (await self.store.commit(Commit((append,), changes)))[0]

    async def group(
        self, conversation_id: str = TEAM, members: Iterable[str] = (ALICE, BOB), **fields: Any
    ) -> str:
        members = tuple(members)
        kind = Kind.CHANNEL if conversation_id.startswith("c") else Kind.GROUP
        group = Group(
            conversation_id=conversation_id, kind=kind, name="T", owner_id=members[0], **fields
        )
        await self.put(
            group,
            MemberCount(conversation_id=conversation_id, member_count=len(members)),
            *(Member(conversation_id=conversation_id, user_id=user_id) for user_id in members),
        )
        return conversation_id


@pytest.fixture
async def harness(store: Any, clock: Any) -> Harness:
    harness = Harness(store, clock)
    await harness.put(*(User(user_id=user_id, name=user_id) for user_id in (ALICE, BOB, CAROL)))
    return harness
