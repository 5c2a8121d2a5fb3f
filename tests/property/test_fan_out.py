"""Whoever fails, and in whichever way: all others get every event, in order."""

import asyncio
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hongyan.delivery.hub import Hub
from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.conversation.model import About
from hongyan.domain.log.model import Committed, Entry

GROUP: Any = "g" + "a" * 16
KINDS = ("message", "message.edited", "poll.voted")
WAYS = ("shares", "push", "push goes", "deliver", "addressed", "memo", "asking", "closing")


class Encoder:
    """Encodes an entry as its own name and the seq; fails on one kind."""

    def __init__(self, name: str, fails_on: str = "") -> None:
        self.name = name
        self.fails_on = fails_on

    def encode(self, event: Any, position: int = 0) -> bytes:
        if event.kind == self.fails_on:
            raise ValueError(event.kind)
        return f"{self.name} {event.seq}".encode()


class Peer:
    """Fails on one kind in one way."""

    def __init__(self, hub: Hub, number: int, way: str, fails_on: str, encoder: Any) -> None:
        self.user_id: Any = f"u{number}"
        self.device_id: Any = f"v{number}"
        self.connection_id: Any = f"k{number}"
        self.hub, self.way, self.fails_on, self.encoder = hub, way, fails_on, encoder
        self.got: list[int] = []
        self.asked = self.closed = 0

    def push(self, frame: bytes) -> None:
        if self.fails_on == KINDS[0] and self.way == "push":
            raise BrokenPipeError
        name, seq = frame.decode().split()
        assert name == self.encoder.name
        self.got.append(int(seq))
        if self.way == "push goes":
            self.hub.detach(self)

    def deliver(self, delivery: Any) -> None:
        event = delivery.event
        if event.kind == self.fails_on and self.way in {"deliver", "asking", "closing"}:
            raise BrokenPipeError
        key = (self.way, self.fails_on) if self.way == "memo" else "all"
        made = delivery.encoded(key, lambda: self.make(event))
        self.got.append(int(made))

    def make(self, event: Any) -> bytes:
        if event.kind == self.fails_on and self.way == "memo":
            raise KeyError(event.kind)
        return str(event.seq).encode()

    def kick(self, reason: str) -> None:
        raise AssertionError(reason)

    def ask_to_sync(self) -> None:
        self.asked += 1
        if self.way == "asking":
            raise BrokenPipeError

    def close(self) -> None:
        self.closed += 1
        if self.way == "closing":
            raise BrokenPipeError


class Belonging:
    """All belong to the one group."""

    def __init__(self, users: list[Any]) -> None:
        self.users = users

    async def members(self, _: Any) -> list[Any]:
        return self.users

    async def conversations(self, _: Any) -> list[Any]:
        return [GROUP]

    async def describe(self, _: Any) -> About:
        return About("Team")


peers = st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(("", *KINDS))), max_size=12)
kinds = st.lists(st.sampled_from(KINDS), min_size=1, max_size=8)


@given(peers, kinds, st.sampled_from(("", *KINDS)))
def test_who_fails_harms_nobody_else(
    ways: list[tuple[str, str]], told: list[str], broken: str
) -> None:
    asyncio.run(deliver(ways, told, broken))


async def deliver(ways: list[tuple[str, str]], told: list[str], broken: str) -> None:
    belonging = Belonging([f"u{number}" for number in range(len(ways) + 3)])
    hub = Hub(belonging, belonging, belonging, Resyncs(lambda _s, _call: None))
    sound, frail = Encoder("sound"), Encoder("frail", broken)
    encoders = {"shares": frail, "push": sound, "push goes": sound}
    others = [
        Peer(hub, number, way, fails_on, encoders.get(way))
        for number, (way, fails_on) in enumerate(ways)
    ]
    last = len(ways)
    well = [
        Peer(hub, last, "well", "", sound),
        Peer(hub, last + 1, "well", "", Encoder("own")),
        Peer(hub, last + 2, "addressed", "", None),
    ]
    for peer in (*others[::2], *well, *others[1::2]):
        await hub.attach(peer)  # type: ignore[arg-type]
    for seq, kind in enumerate(told, 1):
        entry: Any = Entry(GROUP, seq, seq, kind, "ann", "", 1, msgspec.Raw(b"{}"))  # type: ignore[arg-type]
        hub.committed(Committed((entry,), ""))  # type: ignore[arg-type]
    for _ in range(10):
        await asyncio.sleep(0)
    whole = list(range(1, len(told) + 1))
    for peer in well:
        assert (peer.got, peer.asked, peer.closed) == (whole, 0, 0)
    failures = 0
    for peer in others:
        missed = sum(missed_by(peer, kind, broken) for kind in told)
        failures += missed
        if peer.way == "push goes":
            assert peer.got[:1] == [1]
            continue
        assert peer.got == [seq for seq in whole if not missed_by(peer, told[seq - 1], broken)]
        assert peer.asked == min(missed, 1)
        if peer.way == "shares":  # its encoder failed, not the peer
            assert peer.closed == 0
        elif peer.way == "asking":  # closed at once, and again at each failure
            assert peer.closed == missed
        else:
            assert peer.closed == max(0, missed - 1)
    assert hub.failures.count == failures


def missed_by(peer: Peer, kind: str, broken: str) -> bool:
    """Return whether the peer fails on this kind."""
    if peer.way == "shares":
        return kind == broken
    if peer.way == "push":
        return peer.fails_on == KINDS[0]
    return peer.way in {"deliver", "memo", "asking", "closing"} and kind == peer.fails_on
