"""``hongyan gateway``: holds the connections of clients. It decides nothing and stores nothing."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import msgspec

from hongyan.access.admission_queue import AdmissionQueue
from hongyan.app.composition.objects import open_objects
from hongyan.app.metrics.ops import Ops
from hongyan.app.metrics.routes import measure_subscriber
from hongyan.app.metrics.traces import make_tracer
from hongyan.app.roles.access import AccessServer, file_routes
from hongyan.app.roles.running import StopSignal, opened
from hongyan.app.settings.sections import Settings
from hongyan.delivery.audience import AskingConversations, AskingDescriptions
from hongyan.delivery.deliveries import HubDeliveries
from hongyan.delivery.hub import Hub
from hongyan.delivery.ordering import Ordering
from hongyan.delivery.ports import Event
from hongyan.delivery.presence_reporting import REFRESH_S, PresenceReporting
from hongyan.delivery.resync import Resync
from hongyan.delivery.resyncs import Resyncs
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.tracing import PushTracing, TracedEntry
from hongyan.delivery.withholding import Withholding
from hongyan.domain.log.model import Committed
from hongyan.infra.nats.caller import NatsCaller
from hongyan.infra.nats.deliveries import DeliveriesResponder
from hongyan.infra.redis.turns import RedisTurns
from hongyan.kernel.clock import Clock, SystemClock

from .link import ClusterLink, needed

log = logging.getLogger(__name__)


class Gateway:
    """The access layer, and the hub behind it.

    Args:
        settings: What an operator may set.
        link: The cluster.
        clock: The time of day.
        ops: Serves the metrics of this process; None where the gateway is all of it.
    """

    def __init__(
        self, settings: Settings, link: ClusterLink, clock: Clock, ops: Ops | None = None
    ) -> None:
        self._link = link
        self._own_ops = None if ops is not None else Ops(settings.metrics, "gateway", self._works)
        self._caller = NatsCaller(link.connection, link.subjects, link.nodes)
        interests = Interests()
        self._subscriber = link.routes.subscriber(AskingConversations(self._caller), interests)
        later = asyncio.get_running_loop().call_later
        resyncs = Resyncs(later)
        descriptions = AskingDescriptions(self._caller)
        self.hub = Hub(
            interests,
            interests,
            descriptions,
            resyncs,
            connected=self._subscriber.connected,
            withholding=Withholding(self._caller),
        )
        self.hub.on_offline(self._subscriber.disconnected)
        me = link.connection.me
        self._announcing = PresenceReporting(self._caller, self.hub, me, REFRESH_S)
        self.hub.on_devices(self._announcing.changed)
        self._ordering = Ordering(self.hub.committed, later)
        self._resync = Resync(self.hub, resyncs)
        cluster = settings.cluster
        self._turns = RedisTurns(needed(cluster, "redis"), cluster.name)
        self._tracer = make_tracer(settings, link.name)
        files = partial(file_routes, settings, open_objects(settings, clock))
        self.access = AccessServer(
            settings,
            self._caller,
            clock,
            self.hub,
            files,
            relay=self._caller.relay(),
            handshakes=AdmissionQueue(cluster.handshakes_at_once, cluster.handshakes_waiting_max),
            turns=self._turns,
            is_ready=self._is_ready,
            ops=ops or self._own_ops,
            tracer=self._tracer,
        )
        for each in filter(None, (ops, self._own_ops)):
            each.registry.watch(measure_subscriber(self._subscriber))
        known = HubDeliveries(link.name, self.hub).known
        self._deliveries = DeliveriesResponder(link.connection, link.subjects, known)

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
        await self._subscriber.start(self._received, self._possible_loss)
        self._announcing.start()
        await self.access.open()

    async def close(self) -> None:
        """Let devices move away, and leave the routes."""
        await self.access.close()
        await self._announcing.close()
        await self._subscriber.close()
        await self._caller.close()
        await self._turns.close()
        if self._own_ops is not None:
            await self._own_ops.close()
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)

    async def _follow_pushes(self) -> None:
        """Receive which entries are followed, and report when they were pushed here."""
        if self._tracer is None:
            return
        pushes = PushTracing(self._tracer, self.hub.recent, self._link.name)
        decode = msgspec.msgpack.Decoder(TracedEntry).decode
        subject = self._link.subjects.followed
        await self._link.connection.subscribe(
            subject, lambda _subject, data: pushes.follow(decode(data))
        )

    def _works(self) -> bool:
        return self.access.is_open and self._is_ready()

    def _is_ready(self) -> bool:
        return self._link.connection.is_up and any(
            one.state == "ready" for one in self._link.nodes.of_role("backend")
        )

    def _received(self, event: Event) -> None:
        if isinstance(event, Committed):
            self._ordering.committed(event)
        else:
            self.hub.signalled(event)

    def _possible_loss(self) -> None:
        log.info("events may have been lost on the way: %d sessions sync", len(self.hub.peers()))
        self.hub.forget_conversations()
        self._resync.request()
        self.access.admission.live.resync_all()


async def run(settings: Settings, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run a gateway until it is asked to stop.

    Args:
        settings: What an operator may set.
        ready: Called with the URL when clients may come.
        clock: The time of day; None takes the machine's.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    stop_signal = StopSignal()
    async with AsyncExitStack() as stack:
        link = await opened(stack, ClusterLink(settings, "gateway"))
        gateway = Gateway(settings, link, clock or SystemClock())
        await link.nodes.start()
        await opened(stack, gateway)
        link.nodes.become("ready")
        await stop_signal.wait(lambda: ready(gateway.access.url))
