"""A gateway, put together and not connected to anything."""

import msgspec
import pytest
from tests.conftest import FakeClock

from hongyan.app.metrics.ops import Ops
from hongyan.app.roles.gateway import Gateway
from hongyan.app.roles.link import ClusterLink
from hongyan.app.settings.sections import ClusterSettings, Settings
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.domain.user.model import USER_CHANGED
from hongyan.kernel.bus import Actor
from hongyan.kernel.ids import ClientId, ConnectionId, DeviceId, LogId, UserId

CLUSTER = ClusterSettings(nats="nats://127.0.0.1:1", redis="redis://127.0.0.1:1", node="gateway-1")
ANN = UserId("ann")


class Holder:
    """Somebody whose rights admission keeps fresh."""

    def __init__(self) -> None:
        self.actor, self.resyncs = Actor(ANN, DeviceId("v1")), 0

    def resync(self) -> None:
        self.resyncs += 1

    def learn(self, actor: Actor | None, resyncs: int) -> None:
        raise AssertionError("nobody can be asked here")


@pytest.fixture
def ops() -> Ops:
    return Ops(Settings().metrics, "gateway", lambda: True)


@pytest.fixture
async def gateway(ops: Ops) -> Gateway:
    settings = Settings(cluster=CLUSTER)
    return Gateway(settings, ClusterLink(settings, "gateway"), FakeClock(), ops)


def changed() -> Committed:
    entry = Entry(
        LogId("@ann"), 1, 0, USER_CHANGED, ANN, ClientId(""), 1, msgspec.Raw(b'{"user_id":"ann"}')
    )
    return Committed((entry,), ConnectionId(""))


async def test_events_that_come_are_counted(gateway: Gateway, ops: Ops) -> None:
    gateway._received(changed())
    gateway._received(Signal(LogId("@ann"), "typing", ANN, b"{}"))
    page = (await ops.metrics()).body.decode()
    assert "hongyan_events_total 2.0" in page


async def test_rights_are_resynced_when_events_may_have_been_lost(gateway: Gateway) -> None:
    holder = Holder()
    gateway.access.admission.live.add(holder)
    gateway._possible_loss()
    assert holder.resyncs == 1
    await gateway.access.admission.close()
