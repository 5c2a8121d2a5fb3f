"""Presence: who is told what, and when."""

import asyncio

import msgspec
import pytest

from hongyan.delivery.presence import PresenceService
from hongyan.domain.conversation.commands_presence import (
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
from hongyan.infra.local.presence import LocalConnectionRegistry, LocalPresenceSubscriptions
from hongyan.kernel.bus import ANONYMOUS, Actor
from hongyan.kernel.errors import LimitReached

ALICE, BOB, CAROL = "alice", "bob", "carol"


class Harness:
    """Presence with devices that come and go, and a scheduler that is told to run."""

    def __init__(self, store, clock, **settings):
        self.store = store
        self.clock = clock
        self.connected = {}
        self.due = []
        self.signals = []
        self.connection_registry, self.subscriptions = (
            LocalConnectionRegistry(),
            LocalPresenceSubscriptions(),
        )
        self.presence = PresenceService(
            store, self, clock, self.connection_registry, self.subscriptions, self.later, **settings
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
async def harness(store, clock):
    harness = Harness(store, clock)
    await harness.put(*(User(user_id=u) for u in (ALICE, BOB, CAROL)))
    return harness


async def test_who_is_there_and_with_what(harness):
    await harness.come(BOB, "web")
    await harness.come(BOB, "android")
    await harness.come(CAROL)
    await harness.go(CAROL)
    assert await harness.get(ALICE, BOB, CAROL, "nobody") == (
        UserPresence(BOB, online=True, platforms=("android", "web")),
        UserPresence(CAROL, last_seen_ms=harness.clock.now_ms()),
        UserPresence("nobody"),
    )


async def test_watchers_are_told_of_changes_once_they_hold(harness):
    await harness.come(ALICE)
    assert await harness.watch(ALICE, BOB) == (UserPresence(BOB),)
    await harness.come(BOB)
    assert harness.told() == []
    await harness.settle()
    assert harness.told() == [("@alice", UserPresence(BOB, online=True, platforms=("web",)))]
    await harness.go(BOB)
    await harness.settle()
    assert harness.told() == [("@alice", UserPresence(BOB, last_seen_ms=harness.clock.now_ms()))]


async def test_flapping_is_silent_and_looks_like_before(harness):
    await harness.come(ALICE)
    await harness.come(BOB)
    await harness.come(CAROL)
    await harness.watch(ALICE, BOB)
    await harness.go(BOB)
    assert (await harness.watch(CAROL, BOB))[0].online
    await harness.come(BOB)
    assert len(harness.due) == 1
    await harness.settle()
    assert harness.told() == []
    await harness.go(BOB)
    await harness.settle()
    told = harness.told()
    assert sorted(who for who, state in told if not state.online) == ["@alice", "@carol"]


async def test_nobody_is_told_of_what_nobody_watches(harness):
    await harness.come(ALICE)
    await harness.watch(ALICE, BOB)
    await harness.unwatch(ALICE, BOB)
    await harness.come(BOB)
    assert harness.due == []


async def test_each_device_watches_for_itself(harness):
    await harness.come(ALICE, "web")
    await harness.come(ALICE, "ios")
    await harness.watch(ALICE, BOB, platform="web")
    await harness.watch(ALICE, BOB, platform="ios")
    await harness.unwatch(ALICE, BOB, platform="web")
    await harness.come(BOB)
    await harness.settle()
    assert [who for who, _ in harness.told()] == ["@alice"]


async def test_a_watch_ends_when_the_watcher_is_gone(harness):
    await harness.come(ALICE)
    await harness.watch(ALICE, BOB, CAROL)
    await harness.go(ALICE)
    assert not harness.subscriptions._subscriptions
    assert not harness.subscriptions._watchers
    await harness.come(BOB)
    assert harness.due == []


async def test_only_the_connected_watch(harness):
    with pytest.raises(NotConnected):
        await harness.watch(ALICE, BOB)
    await harness.come(ALICE, "web")
    with pytest.raises(NotConnected):
        await harness.watch(ALICE, BOB, platform="ios")


@pytest.mark.parametrize(
    ("shows", "friend", "seen"),
    [
        ("everyone", False, True),
        ("friends", False, False),
        ("friends", True, True),
        ("nobody", True, False),
    ],
)
async def test_privacy_decides_who_sees(harness, shows, friend, seen):
    await harness.put(
        User(user_id=BOB, privacy=Privacy(shows_presence=shows)),
        Relation(user_id=BOB, other_id=ALICE, friend=friend),
    )
    await harness.come(ALICE)
    await harness.watch(ALICE, BOB)
    await harness.come(BOB)
    await harness.settle()
    assert [state.online for _, state in harness.told()] == [True] * seen
    assert [state.online for state in await harness.get(ALICE, BOB)] == [seen]
    await harness.go(BOB)
    assert (
        bool((await harness.get(ALICE, BOB))[0].last_seen_ms) is False
    )  # not settled yet, or hidden
    await harness.settle()
    assert bool((await harness.get(ALICE, BOB))[0].last_seen_ms) is seen


@pytest.mark.parametrize("pair", [(ALICE, BOB), (BOB, ALICE)])
async def test_the_blocked_see_nothing_on_either_side(harness, pair):
    await harness.come(ALICE)
    await harness.come(BOB)
    await harness.watch(ALICE, BOB)
    await harness.put(Relation(user_id=pair[0], other_id=pair[1], blocked=True))
    assert await harness.get(ALICE, BOB) == (UserPresence(BOB),)
    await harness.go(BOB)
    await harness.settle()
    assert harness.told() == []


async def test_one_sees_oneself(harness):
    await harness.put(User(user_id=ALICE, privacy=Privacy(shows_presence="nobody")))
    await harness.come(ALICE)
    assert (await harness.get(ALICE, ALICE))[0].online


async def test_lists_are_bounded(store, clock):
    harness = Harness(store, clock, subscriptions_max=3)
    await harness.come(ALICE)
    await harness.watch(ALICE, "a", "b")
    await harness.watch(ALICE, "b", "c")
    with pytest.raises(LimitReached):
        await harness.watch(ALICE, "d")
    assert len(harness.subscriptions._watchers) == 3
    with pytest.raises(LimitReached):
        await harness.get(ALICE, "a", "b", "c", "d")
