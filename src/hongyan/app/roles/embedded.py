"""The embedded server, put together: one process, one folder, one port."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from hongyan.access.control.server import ControlServer
from hongyan.access.native.server import WebServer
from hongyan.app.composition.services import Services
from hongyan.app.metrics.core import measure_probe, measure_services, measure_sqlite
from hongyan.app.metrics.ops import Ops
from hongyan.app.metrics.probe import StoreProbe
from hongyan.app.metrics.traces import make_tracer
from hongyan.app.roles.access import AccessServer, file_routes
from hongyan.app.settings.sections import Settings, load_secrets, prepare_data_dir
from hongyan.delivery.audience import AskingDescriptions
from hongyan.delivery.deliveries import HubDeliveries
from hongyan.delivery.hub import Hub
from hongyan.delivery.presence import PresenceService
from hongyan.delivery.presence_reporting import PresenceReporting
from hongyan.delivery.resync import Resync
from hongyan.delivery.resyncs import Resyncs
from hongyan.delivery.tracing import PushTracing, TracedCaller
from hongyan.delivery.withholding import Withholding
from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Committed, Signal
from hongyan.domain.log.readers import Job
from hongyan.infra.local.audience import RecordsConversations, RecordsMembers
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.local.leases import Holders, LocalLeases
from hongyan.infra.local.presence import LocalConnectionRegistry, LocalPresenceSubscriptions
from hongyan.infra.local.usage import FolderUsage
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.bus import Caller
from hongyan.kernel.clock import Clock, SystemClock
from hongyan.runtime.ports import TERM_S
from hongyan.runtime.runtime import Runtime

from .running import StopSignal

DATABASE = "hongyan.db"


class Embedded:
    """Everything but the access layer: the store, the bus and the services on one data folder.

    Whoever opens it holds the folder's lock.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        prepare_data_dir(settings.data_dir)
        self.settings = settings
        self.clock = clock or SystemClock()
        self.bus = LocalBus()
        self.caller = self.bus
        self.store = SqliteStore(
            settings.data_dir / DATABASE,
            ROWS,
            self.bus.publish,
            settings.storage.commit_queue_max,
            settings.storage.reader_threads,
        )
        secrets = load_secrets(settings.data_dir)
        self.resyncs = Resyncs(asyncio.get_running_loop().call_later)
        self.hub = Hub(
            RecordsMembers(self.store),
            RecordsConversations(self.store),
            AskingDescriptions(self.bus),
            self.resyncs,
            withholding=Withholding(self.bus),
        )
        self.services = Services(
            settings,
            secrets,
            self.store,
            self.bus,
            self.clock,
            usage=FolderUsage(settings.data_dir, DATABASE, lambda: len(self.hub.peers())),
            deliveries=HubDeliveries("serve", self.hub),
        )

    @classmethod
    async def open(cls, settings: Settings, clock: Clock | None = None) -> "Embedded":
        """Open the folder, and make in it what is missing; None takes the machine's clock.

        Raises:
            SettingsError: the secrets cannot be used.
        """
        embedded = cls(settings, clock)
        await embedded.store.start()
        return embedded

    async def close(self) -> None:
        """Finish what was begun and close the folder."""
        await self.services.close()
        await self.store.close()


class Server:
    """The access layer of an ``Embedded``: HTTP, WebSocket and the operator's socket."""

    def __init__(self, embedded: Embedded) -> None:
        settings = self._settings = embedded.settings
        bus, clock = embedded.bus, embedded.clock
        later = asyncio.get_running_loop().call_later
        self.hub = embedded.hub
        where, subscriptions = LocalConnectionRegistry(), LocalPresenceSubscriptions()
        bus.serve(PresenceService(embedded.store, bus, clock, where, subscriptions, later))
        self.hub.on_devices(PresenceReporting(bus, self.hub, "serve").changed)
        bus.serve(Resync(self.hub, embedded.resyncs))
        bus.subscribe(Committed, self.hub.committed)
        bus.subscribe(Signal, self.hub.signalled)
        probe = StoreProbe(embedded.store, embedded.services.works)
        services = embedded.services
        leases = LocalLeases(Holders(), "serve", TERM_S, time.monotonic)
        services.works.add(Job("watching", probe.run))
        self._runtime = Runtime("serve", leases, embedded.store, clock, services.works)
        bus.subscribe(Committed, self._runtime.committed)
        self.ops = Ops(settings.metrics, "serve", lambda: self._access.is_open and is_writable())

        def is_writable() -> bool:
            return probe.is_writable

        for source in (
            measure_sqlite(embedded.store),
            measure_services(embedded.services),
            measure_probe(probe),
        ):
            self.ops.registry.watch(source)
        self._tracer = make_tracer(settings, "serve")
        caller: Caller = bus
        if self._tracer is not None:
            pushes = PushTracing(self._tracer, self.hub.recent, "serve")
            caller = TracedCaller(bus, self._tracer, pushes.follow)
        files = partial(file_routes, settings, embedded.services.media.bytes)
        self._access = AccessServer(
            settings,
            caller,
            clock,
            self.hub,
            files,
            is_ready=is_writable,
            ops=self.ops,
            tracer=self._tracer,
        )
        self.control = ControlServer(self._access.admission)

    @property
    def web(self) -> WebServer:
        """The web server."""
        return self._access.web

    @property
    def url(self) -> str:
        """The address that people reach it at."""
        return self._access.url

    async def start(self) -> None:
        """Open the port for clients.

        Raises:
            OSError: an address cannot be had.
        """
        await self.control.open(self._settings.data_dir)
        await self.ops.open()
        await self._access.open()
        self._runtime.start()

    async def stop(self) -> None:
        """Let connected devices move away, answer what was asked, and close the port."""
        await self._access.close()
        await self._runtime.stop()
        await self.ops.close()
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)
        await self.control.close()


async def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; a second signal stops at once.

    Args:
        settings: The settings in effect.
        ready: Called with the URL when the port is open.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    stop_signal = StopSignal()
    async with AsyncExitStack() as stack:
        embedded = await Embedded.open(settings)
        stack.push_async_callback(embedded.close)
        server = Server(embedded)
        await server.start()
        stack.push_async_callback(server.stop)
        await stop_signal.wait(lambda: ready(server.url))
