"""A small world of users and groups, served by two workers over one store."""

import asyncio
import itertools

import msgspec
import pytest

from hongyan.domain.group.commands import CreateGroup, GetGroup
from hongyan.domain.group.groups import GroupService
from hongyan.domain.group.joining import JoiningService
from hongyan.domain.group.members import MemberService
from hongyan.domain.group.model import Member, MemberCount
from hongyan.domain.group.repository import GroupRepository
from hongyan.domain.log.model import Commit, Put
from hongyan.domain.user.model import User
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import Actor

PEOPLE = ("olga", "adam", "anna", "mia", "max", "zoe")


class Yielding:
    """A store that lets others run before each read, as a network would."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        method = getattr(self._store, name)

        async def call(*args, **kwargs):
            await asyncio.sleep(0)
            return await method(*args, **kwargs)

        return call


class Harness:
    def __init__(self, store, clock, committed):
        self.store = store
        self.clock = clock
        self.committed = committed
        self.numbers = itertools.count()
        self.workers = [self._worker(), self._worker()]

    def _worker(self):
        slow = Yielding(self.store)
        repository = GroupRepository(slow, slow, self.clock)
        bus = LocalBus()
        for service in (
            GroupService(repository),
            MemberService(repository),
            JoiningService(repository),
        ):
            bus.serve(service)
        return bus

    async def put(self, *rows):
        await self.store.commit(Commit(changes=tuple(Put(row) for row in rows)))

    async def call(self, who, command, worker=0, admin=False):
        self.clock.advance(1)
        return await self.workers[worker].call(Actor(who, f"v-{who}", admin), command)

    async def race(self, *calls):
        """Let each call run on a worker of its own; return answers and refusals."""
        return await asyncio.gather(
            *(self.call(who, command, worker % 2) for worker, (who, command) in enumerate(calls)),
            return_exceptions=True,
        )

    async def group(self, *members, owner="olga", **fields):
        command = CreateGroup(
            client_id=f"c{next(self.numbers)}", name="Team", user_ids=members, **fields
        )
        created = await self.call(owner, command)
        return created.conversation_id

    async def info(self, group_id, who="olga"):
        return await self.call(who, GetGroup(conversation_id=group_id))

    async def member(self, group_id, who):
        return await self.store.get(Member, group_id, who)

    async def active(self, group_id):
        """Return the members, having checked that the roll counts them right."""
        rows = await self.store.scan(Member, group_id, True, by="of_conversation")
        assert (await self.store.get(MemberCount, group_id)).member_count == len(rows)
        return [row.user_id for row in rows]

    async def entries(self, log_id):
        return [
            (entry.kind, msgspec.json.decode(entry.body))
            for entry in await self.store.read(log_id, 1, 10_000, 10_000)
        ]

    async def head(self, log_id):
        return (await self.store.states([log_id]))[log_id]


@pytest.fixture
async def harness(store, clock, committed):
    made = Harness(store, clock, committed)
    await made.put(*(User(user_id=who) for who in PEOPLE))
    return made
