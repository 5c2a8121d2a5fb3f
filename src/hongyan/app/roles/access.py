"""The access layer, before whatever carries the commands: HTTP and WebSocket on one port.

Nothing here knows where commands are carried out: in this process or by others.
"""

import hmac
from collections.abc import Callable
from pathlib import Path

from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

import hongyan
from hongyan.access.admission import Admission, AdmissionOptions
from hongyan.access.admission_queue import AdmissionQueue
from hongyan.access.http.app import HttpOptions, create_app
from hongyan.access.http.files import Files
from hongyan.access.http.sync_stream import end_streams
from hongyan.access.http.tus import Tus, TusOptions
from hongyan.access.http.web import WebClient
from hongyan.access.native.server import WebServer
from hongyan.access.native.session import SessionEnvironment
from hongyan.app.composition.objects import ObjectParts, storage_origin
from hongyan.app.metrics.access import measure_access, measure_hub
from hongyan.app.metrics.ops import METRICS, Ops
from hongyan.app.settings.sections import Settings
from hongyan.app.settings.storage import MetricsSettings
from hongyan.delivery.hub import Hub
from hongyan.kernel.bus import Caller
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Unauthenticated
from hongyan.kernel.meters import Meters
from hongyan.kernel.tracing import Tracer
from hongyan.kernel.turns import TakesTurns


class AccessServer:
    """The web server with all that clients find at it.

    Args:
        settings: What an operator may set.
        caller: Carries commands.
        clock: The time of day.
        hub: Where connections attach.
        files: Makes the paths of uploads and downloads.
        relay: Carries the commands of WebSocket sessions, which only hand answers on, without
            needing tasks; None takes ``caller``.
        handshakes: Where hellos wait for their turn; None lets all in at once.
        turns: Lets a repeated request wait for the first one; None does so in this process.
        is_ready: Whether requests can be answered, as far as others know.
        ops: Serves what is measured here.
        tracer: Follows some requests; None follows none.

    Attributes:
        admission: Lets requests through; other protocols than these take it, too.
    """

    def __init__(
        self,
        settings: Settings,
        caller: Caller,
        clock: Clock,
        hub: Hub,
        files: Callable[[Admission], tuple[BaseRoute, ...]],
        relay: Caller | None = None,
        handshakes: AdmissionQueue | None = None,
        turns: TakesTurns | None = None,
        is_ready: Callable[[], bool] = lambda: True,
        ops: Ops | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._is_open = False
        host, port = settings.host_and_port
        answers = Meters()
        admission = self.admission = Admission(
            caller,
            clock,
            hub,
            AdmissionOptions(
                rates=settings.rates,
                relay_awaits_only_futures=relay is not None,
            ),
            relay=relay,
            line=handshakes,
            tracer=tracer,
        )
        self.web = WebServer(
            create_app(
                admission,
                _http_options(settings),
                lambda: self._is_open and is_ready(),
                (*files(admission), *_metrics(settings.metrics, ops), _web_client(settings)),
                noted=lambda status, seconds: answers[status].note(seconds),
                turns=turns,
            ),
            _session_environment(settings, admission),
            structs.replace(settings.websocket, allowed_origins=settings.allowed_origins),
            host,
            port,
            trusted_proxies=settings.server.trusted_proxies,
        )
        if ops is not None:
            ops.registry.watch(measure_access(self.web.sockets, admission, answers))
            ops.registry.watch(measure_hub(hub))

    @property
    def is_open(self) -> bool:
        """Whether clients may come."""
        return self._is_open

    @property
    def url(self) -> str:
        """The address that people reach it at."""
        host, port = self.web.address
        named = f"[{host}]" if ":" in host else host
        return self._settings.server.public_url or f"http://{named}:{port}"

    async def open(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        await self.web.start()
        self._is_open = True

    async def close(self) -> None:
        """Let connected devices move away, answer what was asked, and close."""
        self._is_open = False
        end_streams(self._hub)
        await self.web.drain(self._settings.server.drain_s)
        await self.web.stop()
        await self.admission.close()


def _metrics(settings: MetricsSettings, ops: Ops | None) -> tuple[BaseRoute, ...]:
    """Return the path of the metrics, where a token guards it."""
    if ops is None or not settings.token:
        return ()
    wanted = f"Bearer {settings.token}".encode()

    async def answer(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted):
            raise Unauthenticated("Metrics want their token.")
        page = await ops.metrics()
        return Response(page.body, headers={"cache-control": "no-store"}, media_type=page.type)

    return (Route(METRICS, answer, methods=["GET"]),)


def _web_client(settings: Settings) -> WebClient:
    return WebClient(Path(hongyan.__file__).parent / "web", storage_origin(settings))


def file_routes(
    settings: Settings, parts: ObjectParts, admission: Admission
) -> tuple[BaseRoute, ...]:
    """Return the paths of uploads and downloads."""
    options = TusOptions(
        file_bytes_max=settings.files.file_bytes_max,
        public_url=settings.server.public_url,
        idle_s=settings.files.upload_idle_s,
    )
    shared = bool(settings.allowed_origins)
    files = Files(admission, parts.downloads, parts.download_links, shared)
    return (*Tus(admission, parts.staging, options).routes(), *files.routes())


def _session_environment(settings: Settings, admission: Admission) -> SessionEnvironment:
    socket = settings.websocket
    return SessionEnvironment(
        admission,
        heartbeat_s=socket.heartbeat_s,
        message_bytes_max=socket.max_message_bytes,
        server=f"hongyan/{hongyan.__version__}",
    )


def _http_options(settings: Settings) -> HttpOptions:
    protocol_dir = Path(hongyan.__file__).parent / "protocol"
    return HttpOptions(
        allowed_origins=settings.allowed_origins,
        protocol_dir=protocol_dir if protocol_dir.is_dir() else None,
    )
