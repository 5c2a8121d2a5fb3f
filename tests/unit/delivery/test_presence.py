"""Presence: who is told what, and when."""

import asyncio

import msgspec
import pytest

from hongyan.delivery.presence import Presence
from hongyan.domain.conversation.presence_api import (
    GetPresence,
    NotConnected,
    NotePresence,
    UnwatchPresence,
    UserPresence,
    WatchPresence,
)
from hongyan.domain.log.model import Commit, Put
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import Device, Privacy, User
from hongyan.infra.local.presence import LocalWatches, LocalWhereabouts
from hongyan.kernel.bus import ANONYMOUS, Actor
from hongyan.kernel.errors import LimitReached

ALICE, BOB, CAROL = "alice", "bob", "carol"


class World:
    """Presence with devices that come and go, and a scheduler that is told to run."""

    def __init__(self, store, clock, **settings):
        self.store = store
        self.clock = clock
        self.connected = {}
        self.due = []
        self.signals = []
        self.whereabouts, self.watches = LocalWhereabouts(), LocalWatches()
        self.presence = Presence(
            store, self, clock, self.whereabouts, self.watches, self.later, **settings
        )

    def publish(self, signal):
        self.signals.append(signal)

    def later(self, delay_s, call):
        self.due.append(call)

    async def settle(self):
        due, self.due = self.due, []
        for call in due:
            call()
        await asyncio.gather(*self.presence._tasks)

    def told(self):
        """Return (who was told, presence) since the last time."""
        signals, self.signals = self.signals, []
        assert {signal.kind for signal in signals} <= {"presence"}
        return [
            (signal.log_id, msgspec.json.decode(signal.body, type=UserPresence))
            for signal in signals
        ]

    async def come(self, user_id, platform="web"):
        device_id = f"{user_id}-{platform}"
        await self.put(Device(device_id=device_id, user_id=user_id, platform=platform))
        devices = self.connected.setdefault(user_id, set())
        devices.add(device_id)
        await self.note(user_id)

    async def go(self, user_id, platform="web"):
        self.connected[user_id].discard(f"{user_id}-{platform}")
        await self.note(user_id)

    async def note(self, user_id):
        devices = tuple(self.connected[user_id])
        note = NotePresence(user_id=user_id, node="here", device_ids=devices)
        await self.presence.note(ANONYMOUS, note)

    async def put(self, *rows):
        await self.store.commit(Commit(changes=tuple(Put(row) for row in rows)))

    async def watch(self, who, *whom, platform="web"):
        actor = Actor(who, f"{who}-{platform}")
        return (await self.presence.watch(actor, WatchPresence(user_ids=whom))).presences

    async def unwatch(self, who, *whom, platform="web"):
        actor = Actor(who, f"{who}-{platform}")
        await self.presence.unwatch(actor, UnwatchPresence(user_ids=whom))

    async def get(self, who, *whom):
        actor = Actor(who, "v")
        return (await self.presence.get(actor, GetPresence(user_ids=whom))).presences


@pytest.fixture
async def world(store, clock):
    world = World(store, clock)
    await world.put(*(User(user_id=u) for u in (ALICE, BOB, CAROL)))
    return world


async def test_who_is_there_and_with_what(world):
    await world.come(BOB, "web")
    await world.come(BOB, "android")
    await world.come(CAROL)
    await world.go(CAROL)
    assert await world.get(ALICE, BOB, CAROL, "nobody") == (
        UserPresence(BOB, online=True, platforms=("android", "web")),
        UserPresence(CAROL, last_seen_ms=world.clock.now_ms()),
        UserPresence("nobody"),
    )


async def test_watchers_are_told_of_changes_once_they_hold(world):
    await world.come(ALICE)
    assert await world.watch(ALICE, BOB) == (UserPresence(BOB),)
    await world.come(BOB)
    assert world.told() == []
    await world.settle()
    assert world.told() == [("@alice", UserPresence(BOB, online=True, platforms=("web",)))]
    await world.go(BOB)
    await world.settle()
    assert world.told() == [("@alice", UserPresence(BOB, last_seen_ms=world.clock.now_ms()))]


async def test_flapping_is_silent_and_looks_like_before(world):
    await world.come(ALICE)
    await world.come(BOB)
    await world.come(CAROL)
    await world.watch(ALICE, BOB)
    await world.go(BOB)
    assert (await world.watch(CAROL, BOB))[0].online
    await world.come(BOB)
    assert len(world.due) == 1
    await world.settle()
    assert world.told() == []
    await world.go(BOB)
    await world.settle()
    told = world.told()
    assert sorted(who for who, state in told if not state.online) == ["@alice", "@carol"]


async def test_nobody_is_told_of_what_nobody_watches(world):
    await world.come(ALICE)
    await world.watch(ALICE, BOB)
    await world.unwatch(ALICE, BOB)
    await world.come(BOB)
    assert world.due == []


async def test_each_device_watches_for_itself(world):
    await world.come(ALICE, "web")
    await world.come(ALICE, "ios")
    await world.watch(ALICE, BOB, platform="web")
    await world.watch(ALICE, BOB, platform="ios")
    await world.unwatch(ALICE, BOB, platform="web")
    await world.come(BOB)
    await world.settle()
    assert [who for who, _ in world.told()] == ["@alice"]


async def test_a_watch_ends_when_the_watcher_is_gone(world):
    await world.come(ALICE)
    await world.watch(ALICE, BOB, CAROL)
    await world.go(ALICE)
    assert not world.watches._watches
    assert not world.watches._watchers
    await world.come(BOB)
    assert world.due == []


async def test_only_the_connected_watch(world):
    with pytest.raises(NotConnected):
        await world.watch(ALICE, BOB)
    await world.come(ALICE, "web")
    with pytest.raises(NotConnected):
        await world.watch(ALICE, BOB, platform="ios")


@pytest.mark.parametrize(
    ("shows", "friend", "seen"),
    [
        ("everyone", False, True),
        ("friends", False, False),
        ("friends", True, True),
        ("nobody", True, False),
    ],
)
async def test_privacy_decides_who_sees(world, shows, friend, seen):
    await world.put(
        User(user_id=BOB, privacy=Privacy(shows_presence=shows)),
        Relation(user_id=BOB, other_id=ALICE, friend=friend),
    )
    await world.come(ALICE)
    await world.watch(ALICE, BOB)
    await world.come(BOB)
    await world.settle()
    assert [state.online for _, state in world.told()] == [True] * seen
    assert [state.online for state in await world.get(ALICE, BOB)] == [seen]
    await world.go(BOB)
    assert (
        bool((await world.get(ALICE, BOB))[0].last_seen_ms) is False
    )  # not settled yet, or hidden
    await world.settle()
    assert bool((await world.get(ALICE, BOB))[0].last_seen_ms) is seen


@pytest.mark.parametrize("pair", [(ALICE, BOB), (BOB, ALICE)])
async def test_the_blocked_see_nothing_on_either_side(world, pair):
    await world.come(ALICE)
    await world.come(BOB)
    await world.watch(ALICE, BOB)
    await world.put(Relation(user_id=pair[0], other_id=pair[1], blocked=True))
    assert await world.get(ALICE, BOB) == (UserPresence(BOB),)
    await world.go(BOB)
    await world.settle()
    assert world.told() == []


async def test_one_sees_oneself(world):
    await world.put(User(user_id=ALICE, privacy=Privacy(shows_presence="nobody")))
    await world.come(ALICE)
    assert (await world.get(ALICE, ALICE))[0].online


async def test_lists_are_bounded(store, clock):
    world = World(store, clock, watches_max=3)
    await world.come(ALICE)
    await world.watch(ALICE, "a", "b")
    await world.watch(ALICE, "b", "c")
    with pytest.raises(LimitReached):
        await world.watch(ALICE, "d")
    assert len(world.watches._watchers) == 3
    with pytest.raises(LimitReached):
        await world.get(ALICE, "a", "b", "c", "d")
