"""Presence over several gateways."""

import asyncio
import secrets
from typing import Any

import msgspec
import pytest

from hongyan_sdk.wire import Push
from tests.cluster.live_cluster import LiveCluster
from tests.cluster.load import Person, make_people
from tests.e2e.waiting import until

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(200)]


class Watcher:
    """Notes what a person is told of others."""

    def __init__(self, person: Person) -> None:
        self.told: list[tuple[str, bool]] = []
        assert person.connection is not None
        person.connection._on_push = self._pushed

    def _pushed(self, push: Push) -> None:
        if push.event == "signal":
            signal: dict[str, Any] = msgspec.json.decode(push.data)
            if signal["kind"] == "presence":
                self.told.append((signal["body"]["user_id"], signal["body"]["online"]))


async def test_one_hears_of_those_at_another_gateway_also_when_it_dies(
    own_cluster: LiveCluster,
) -> None:
    cluster = own_cluster
    ann, bob = await make_people(cluster.url, 2, secrets.token_hex(3))
    await ann.connect(cluster.gateways[0].url)
    watcher = Watcher(ann)
    asked = await ann.call("presence.watch", user_ids=[bob.user_id])
    assert [one["online"] for one in asked["presences"]] == [False]
    await bob.connect(cluster.gateways[1].url)
    await until(lambda: watcher.told == [(bob.user_id, True)])
    seen = await ann.call("presence.get", user_ids=[bob.user_id])
    assert seen["presences"][0]["platforms"] == ["linux"]
    await asyncio.to_thread(cluster.gateways[1].kill)
    await until(lambda: watcher.told == [(bob.user_id, True), (bob.user_id, False)], 30)
    seen = await ann.call("presence.get", user_ids=[bob.user_id])
    assert not seen["presences"][0]["online"]
    assert seen["presences"][0]["last_seen_ms"]
    await asyncio.to_thread(cluster.gateways[1].start)
    await bob.connect(cluster.gateways[1].url)
    await until(lambda: watcher.told[-1] == (bob.user_id, True))
    assert bob.connection is not None
    await bob.connection.close()
    await until(lambda: watcher.told[-1] == (bob.user_id, False))
