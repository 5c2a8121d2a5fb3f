"""The embedded server, put together: one process, one folder, one port."""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from starlette.routing import BaseRoute

import hongyan
from hongyan.access.control.server import ControlServer
from hongyan.access.http.app import HttpOptions, create_app
from hongyan.access.http.files import Files
from hongyan.access.http.sync_stream import end_streams
from hongyan.access.http.tus import Tus, TusOptions
from hongyan.access.http.web import WebClient
from hongyan.access.native.server import WebServer
from hongyan.access.native.session import Door
from hongyan.access.rates import Buckets
from hongyan.delivery.hub import Hub
from hongyan.delivery.presence import Presence
from hongyan.domain.catalog import COMMANDS, ROWS
from hongyan.domain.log.model import Committed, Signal
from hongyan.infra.local.audience import RecordsAudience
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.local.usage import FolderUsage
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.clock import Clock, SystemClock

from .chores import Chores
from .services import Services
from .settings import Settings, load_secrets, prepare_data_dir

DATABASE = "hongyan.db"


class Embedded:
    """Everything but the doors: the store, the bus and the services on one data folder.

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
        self.services = Services(settings, secrets, self.store, self.bus, self.clock)
        self.services.counting.usage = FolderUsage(settings.data_dir, DATABASE)

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
    """The doors before an ``Embedded``: HTTP, WebSocket and the operator's socket."""

    def __init__(self, embedded: Embedded) -> None:
        settings = self._settings = embedded.settings
        bus, clock = embedded.bus, embedded.clock
        self.hub = Hub(RecordsAudience(embedded.store))
        presence = Presence(
            embedded.store, bus, clock, self.hub.devices, asyncio.get_running_loop().call_later
        )
        self.hub.on_online, self.hub.on_offline = presence.came, presence.went
        bus.serve(presence)
        bus.subscribe(Committed, self.hub.committed)
        bus.subscribe(Signal, self.hub.signalled)
        embedded.services.counting.usage = FolderUsage(
            settings.data_dir, DATABASE, lambda: len(self.hub.peers())
        )
        self._chores = Chores(clock, embedded.services.ticks)
        self._is_ready = False
        host, port = settings.host_and_port
        user_rates = Buckets(settings.rates.user_per_s, settings.rates.user_burst)
        self._webhooks = embedded.services.integration.webhooks
        self.web = WebServer(
            create_app(
                bus,
                clock,
                _http_options(settings),
                lambda: self._is_ready,
                (*_file_routes(embedded), WebClient(Path(hongyan.__file__).parent / "web")),
                hub=self.hub,
                user_rates=user_rates,
            ),
            _door(embedded, self.hub, user_rates),
            settings.websocket,
            host,
            port,
            trusted_proxies=settings.server.trusted_proxies,
        )
        self.control = ControlServer(bus, COMMANDS)

    @property
    def url(self) -> str:
        """Where people reach it."""
        host, port = self.web.address
        named = f"[{host}]" if ":" in host else host
        return self._settings.server.public_url or f"http://{named}:{port}"

    async def start(self) -> None:
        """Open the doors.

        Raises:
            OSError: an address cannot be had.
        """
        await self.control.open(self._settings.data_dir)
        await self.web.start()
        self._chores.start()
        await self._webhooks.start()
        self._is_ready = True

    async def stop(self) -> None:
        """Let connected devices move away, answer what was asked, and close the doors."""
        self._is_ready = False
        end_streams(self.hub)
        await self.web.drain(self._settings.server.drain_s)
        await self.web.stop()
        await self._chores.stop()
        await self.control.close()


async def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; a second signal stops at once.

    Args:
        settings: The settings in effect.
        ready: Called with the URL when the doors are open.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        embedded = await Embedded.open(settings)
        stack.push_async_callback(embedded.close)
        server = Server(embedded)
        await server.start()
        stack.push_async_callback(server.stop)
        _calm_collector()
        ready(server.url)
        await stopping.wait()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _calm_collector() -> None:
    """Let the garbage collector look for cycles seldom, and never at what lives for ever.

    Messages make hardly any cycles; with Python's own thresholds a tenth of the server's time
    went into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _door(embedded: Embedded, hub: Hub, user_rates: Buckets) -> Door:
    rates, socket = embedded.settings.rates, embedded.settings.websocket
    return Door(
        embedded.bus,
        hub,
        embedded.clock,
        COMMANDS,
        user_rates,
        connection_per_s=rates.connection_per_s,
        connection_burst=rates.connection_burst,
        heartbeat_s=socket.heartbeat_s,
        message_bytes_max=socket.max_message_bytes,
        server=f"hongyan/{hongyan.__version__}",
    )


def _file_routes(embedded: Embedded) -> tuple[BaseRoute, ...]:
    files, media = embedded.settings.files, embedded.services.media
    options = TusOptions(
        file_bytes_max=files.file_bytes_max,
        public_url=embedded.settings.server.public_url,
        idle_s=files.upload_idle_s,
    )
    tus = Tus(embedded.bus, media.staging, options)
    return (*tus.routes(), *Files(embedded.bus, media.objects).routes())


def _http_options(settings: Settings) -> HttpOptions:
    protocol_dir = Path(hongyan.__file__).parent / "protocol"
    return HttpOptions(
        address_per_s=settings.rates.address_per_s,
        address_burst=settings.rates.address_burst,
        user_per_s=settings.rates.user_per_s,
        user_burst=settings.rates.user_burst,
        key_per_s=settings.rates.key_per_s,
        key_burst=settings.rates.key_burst,
        allowed_origins=settings.websocket.allowed_origins,
        protocol_dir=protocol_dir if protocol_dir.is_dir() else None,
    )
