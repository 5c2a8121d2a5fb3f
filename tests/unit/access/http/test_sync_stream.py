"""Streams and polls as peers of the hub."""

import msgspec
import pytest
from tests.unit.quiet_hub import quiet_hub

from hongyan.access.http.sync_stream import EVENTS, POLLS, Listener
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.kernel.bus import Actor


@pytest.fixture
def hub():
    return quiet_hub()


async def listener(hub, device, encoder, limit_bytes=10_000):
    made = Listener(Actor("ann", device), encoder, limit_bytes)
    await hub.attach(made)
    return made


async def test_a_signal_for_one_device_reaches_its_stream_or_poll_alone(hub):
    stream, poll = await listener(hub, "v1", EVENTS), await listener(hub, "v2", POLLS)
    for device in ("v1", "v2", "v3"):
        hub.signalled(Signal("@ann", f"for.{device}", "bob", b"{}", devices=(device,)))
    (event,) = stream.take()
    assert event[16:].startswith(b"event: signal\ndata: ")
    assert b"for.v1" in event
    (told,) = poll.take()
    assert msgspec.json.decode(told)["kind"] == "for.v2"


async def test_a_stream_that_cannot_be_served_ends_so_that_its_device_comes_again(hub):
    stream = await listener(hub, "v1", EVENTS)
    stream.close()
    assert stream.ended == "reconnect"


async def test_what_cannot_be_told_as_an_event_ends_the_stream_and_not_the_poll_beside_it(hub):
    stream, poll = await listener(hub, "v1", EVENTS), await listener(hub, "v2", POLLS)
    entry = Entry("@ann", 1, 1, "message", "bob", "", 1, object())
    hub.committed(Committed((entry,), ""))
    assert (stream.ended, poll.ended, poll.take()) == ("reconnect", "", [b""])
