"""``hongyan gateway``: holds the connections of clients. It decides nothing and stores nothing."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import msgspec

from hongyan.access.line import Line
from hongyan.app.doors import Doors, file_routes
from hongyan.app.measured_routes import measure_station
from hongyan.app.objects import open_objects
from hongyan.app.ops import Ops
from hongyan.app.running import Ending, opened
from hongyan.app.settings import Settings
from hongyan.app.traces import make_tracer
from hongyan.delivery.announcing import REFRESH_S, Announcing
from hongyan.delivery.audience import AskingConversations, AskingDescriptions
from hongyan.delivery.deliveries import HubDeliveries
from hongyan.delivery.doubt import Doubt
from hongyan.delivery.hub import Hub
from hongyan.delivery.ordering import Ordering
from hongyan.delivery.ports import Fact
from hongyan.delivery.resyncs import Resyncs
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.tracing import Followed, PushTracing
from hongyan.delivery.withholding import Withholding
from hongyan.domain.log.model import Committed
from hongyan.infra.nats.caller import NatsCaller
from hongyan.infra.nats.deliveries import DeliveriesTeller
from hongyan.infra.redis.turns import RedisTurns
from hongyan.kernel.clock import Clock, SystemClock

from .link import Link, needed

log = logging.getLogger(__name__)


class Gateway:
    """The doors, and the hub behind them.

    Args:
        settings: What an operator may set.
        link: The cluster.
        clock: The time of day.
        ops: Tells of this process; None where the gateway is all of it.
    """

    def __init__(
        self, settings: Settings, link: Link, clock: Clock, ops: Ops | None = None
    ) -> None:
        self._link = link
        self._own_ops = None if ops is not None else Ops(settings.metrics, "gateway", self._works)
        self._caller = NatsCaller(link.connection, link.subjects, link.nodes)
        interests = Interests()
        self._station = link.routes.station(AskingConversations(self._caller), interests)
        later = asyncio.get_running_loop().call_later
        resyncs = Resyncs(later)
        descriptions = AskingDescriptions(self._caller)
        self.hub = Hub(
            interests,
            interests,
            descriptions,
            resyncs,
            came=self._station.came,
            withholding=Withholding(self._caller),
        )
        self.hub.on_offline = self._station.went
        me = link.connection.me
        self._announcing = Announcing(self._caller, self.hub, me, REFRESH_S)
        self.hub.on_devices = self._announcing.changed
        self._ordering = Ordering(self.hub.committed, later)
        self._doubt = Doubt(self.hub, resyncs)
        cluster = settings.cluster
        self._turns = RedisTurns(needed(cluster, "redis"), cluster.name)
        self._tracer = make_tracer(settings, link.name)
        files = partial(file_routes, settings, open_objects(settings, clock))
        self.doors = Doors(
            settings,
            self._caller,
            clock,
            self.hub,
            files,
            relay=self._caller.relay(),
            hellos=Line(cluster.hellos_at_once, cluster.hellos_waiting_max),
            turns=self._turns,
            is_ready=self._is_ready,
            ops=ops or self._own_ops,
            tracer=self._tracer,
        )
        for each in filter(None, (ops, self._own_ops)):
            each.registry.watch(measure_station(self._station))
        known = HubDeliveries(link.name, self.hub).known
        self._deliveries = DeliveriesTeller(link.connection, link.subjects, known)

    async def open(self) -> None:
        """Connect to the others, then listen.

        Raises:
            OSError: something cannot be reached, or the address cannot be had.
        """
        await self._caller.start()
        await self._deliveries.start()
        await self._follow_pushes()
        if self._own_ops is not None:
            await self._own_ops.open()
        await self._station.start(self._told, self._doubted)
        self._announcing.start()
        await self.doors.open()

    async def close(self) -> None:
        """Let devices move away, and leave the routes."""
        await self.doors.close()
        await self._announcing.close()
        await self._station.close()
        await self._caller.close()
        await self._turns.close()
        if self._own_ops is not None:
            await self._own_ops.close()
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)

    async def _follow_pushes(self) -> None:
        """Hear which entries are followed, and tell when they were pushed here."""
        if self._tracer is None:
            return
        pushes = PushTracing(self._tracer, self.hub.recent, self._link.name)
        decode = msgspec.msgpack.Decoder(Followed).decode
        subject = self._link.subjects.followed
        await self._link.connection.subscribe(
            subject, lambda _subject, data: pushes.follow(decode(data))
        )

    def _works(self) -> bool:
        return self.doors.is_open and self._is_ready()

    def _is_ready(self) -> bool:
        return self._link.connection.is_up and any(
            one.state == "ready" for one in self._link.nodes.of_role("backend")
        )

    def _told(self, fact: Fact) -> None:
        if isinstance(fact, Committed):
            self._ordering.committed(fact)
        else:
            self.hub.signalled(fact)

    def _doubted(self) -> None:
        log.info("facts may have been lost on the way: %d sessions sync", len(self.hub.peers()))
        self.hub.forget_rooms()
        self._doubt.arise()
        self.doors.admission.live.doubt_all()


async def run(settings: Settings, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run a gateway until it is asked to stop.

    Args:
        settings: What an operator may set.
        ready: Called with the URL when clients may come.
        clock: The time of day; None takes the machine's.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    ending = Ending()
    async with AsyncExitStack() as stack:
        link = await opened(stack, Link(settings, "gateway"))
        gateway = Gateway(settings, link, clock or SystemClock())
        await link.nodes.start()
        await opened(stack, gateway)
        link.nodes.become("ready")
        await ending.wait(lambda: ready(gateway.doors.url))
