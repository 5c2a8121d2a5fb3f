"""Who belongs where: one suite over the rows of each store, the bus, and a gateway's own index."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hongyan.delivery.audience import AskingConversations, AskingDescriptions
from hongyan.delivery.ports import ConversationMembers, Descriptions, UserConversations
from hongyan.delivery.routes.interests import Interests
from hongyan.domain.catalog import ROWS
from hongyan.domain.conversation.model import About
from hongyan.domain.conversation.opening import Opening
from hongyan.domain.conversation.queries import ConversationQueries
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Commit, Put
from hongyan.domain.message.versions import visibility_of
from hongyan.infra.local.audience import RecordsConversations, RecordsMembers
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.clock import SystemClock
from hongyan.kernel.ids import ConversationId, Kind, UserId, direct_id
from tests.memory.store import MemoryStore

ANN, BOB, CID = UserId("ann"), UserId("bob"), UserId("cid")
TEAM, CREW = ConversationId("g" + "a" * 16), ConversationId("g" + "b" * 16)


class Rows:
    """Members as rows."""

    def __init__(self, store: Any) -> None:
        self.store = store

    async def join(self, user_id: UserId, conversation_id: ConversationId) -> None:
        await self.put(Member(conversation_id=conversation_id, user_id=user_id))

    async def leave(self, user_id: UserId, conversation_id: ConversationId) -> None:
        await self.put(Member(conversation_id=conversation_id, user_id=user_id, active=False))

    async def put(self, row: Any) -> None:
        await self.store.commit(Commit(changes=(Put(row),)))


class Here:
    """Members as a gateway's index knows them: all of these users are connected to it."""

    def __init__(self) -> None:
        self.interests = Interests()
        for user_id in (ANN, BOB, CID):
            self.interests.open(user_id)

    async def join(self, user_id: UserId, conversation_id: ConversationId) -> None:
        self.interests.enter(user_id, (conversation_id,))

    async def leave(self, user_id: UserId, conversation_id: ConversationId) -> None:
        self.interests.leave(user_id, conversation_id)


@pytest.fixture(params=["memory", "sqlite", "postgres", "interests"])
async def belonging(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rows | Here]:
    if request.param == "interests":
        yield Here()
        return
    store: Any
    if request.param == "memory":
        store = MemoryStore(ROWS, lambda _: None)
    elif request.param == "sqlite":
        store = SqliteStore(tmp_path / "store.db", ROWS, lambda _: None)
    else:
        dsn = request.getfixturevalue("postgres_dsn")
        store = PostgresStore(dsn, ROWS, lambda _: None)
    await store.start()
    yield Rows(store)
    await store.close()


def bus_of(rows: Rows) -> LocalBus:
    bus = LocalBus()
    bus.serve(
        Opening(
            ConversationQueries(rows.store, rows.store, rows.store, visibility_of(rows.store)),
            SystemClock(),
        )
    )
    return bus


@pytest.fixture
def members(belonging: Rows | Here) -> ConversationMembers:
    return RecordsMembers(belonging.store) if isinstance(belonging, Rows) else belonging.interests


@pytest.fixture(params=["itself", "asked"])
def conversations(request: pytest.FixtureRequest, belonging: Rows | Here) -> UserConversations:
    if isinstance(belonging, Here):
        if request.param == "asked":
            pytest.skip("a gateway's index answers nobody else")
        return belonging.interests
    if request.param == "asked":
        return AskingConversations(bus_of(belonging))
    return RecordsConversations(belonging.store)


@pytest.fixture
def descriptions(belonging: Rows | Here) -> Descriptions:
    if isinstance(belonging, Here):
        pytest.skip("a gateway's index knows no names")
    return AskingDescriptions(bus_of(belonging))


async def test_members_are_those_who_joined_and_did_not_leave(
    belonging: Rows | Here, members: ConversationMembers
) -> None:
    assert list(await members.members(TEAM)) == []
    for user_id in (ANN, BOB, CID):
        await belonging.join(user_id, TEAM)
    await belonging.join(ANN, CREW)
    await belonging.join(ANN, TEAM)
    assert sorted(await members.members(TEAM)) == [ANN, BOB, CID]
    await belonging.leave(BOB, TEAM)
    assert sorted(await members.members(TEAM)) == [ANN, CID]
    assert list(await members.members(CREW)) == [ANN]
    for user_id in (ANN, CID):
        await belonging.leave(user_id, TEAM)
    assert list(await members.members(TEAM)) == []
    await belonging.join(BOB, TEAM)
    assert list(await members.members(TEAM)) == [BOB]


async def test_conversations_are_those_that_a_user_is_in_now(
    belonging: Rows | Here, conversations: UserConversations
) -> None:
    assert list(await conversations.conversations(ANN)) == []
    await belonging.join(BOB, TEAM)
    for conversation_id in (TEAM, CREW):
        await belonging.join(ANN, conversation_id)
    assert sorted(await conversations.conversations(ANN)) == [TEAM, CREW]
    assert list(await conversations.conversations(BOB)) == [TEAM]
    await belonging.leave(ANN, TEAM)
    assert list(await conversations.conversations(ANN)) == [CREW]
    assert list(await conversations.conversations(UserId("nobody"))) == []


async def test_a_conversation_is_described_by_its_name_or_its_two(
    belonging: Rows | Here, descriptions: Descriptions
) -> None:
    assert isinstance(belonging, Rows)
    direct = direct_id(BOB, ANN)
    assert await descriptions.describe(TEAM) == await descriptions.describe(direct) == About()
    await belonging.put(Group(conversation_id=TEAM, kind=Kind.GROUP, name="Team", owner_id=ANN))
    for user_id in (ANN, BOB):
        await belonging.join(user_id, direct)
    assert await descriptions.describe(TEAM) == About("Team")
    assert await descriptions.describe(direct) == About(pair=(ANN, BOB))
    await belonging.leave(ANN, direct)  # who left is the other one still
    assert await descriptions.describe(direct) == About(pair=(ANN, BOB))
