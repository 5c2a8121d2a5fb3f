"""One server for all tests of the REST API that only talk to it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.live_server import LiveServer
from tests.rest.harness import Harness

SETTINGS = (
    "rates.user_per_s=0",
    "rates.key_per_s=0",
    "smtp.host=127.0.0.1",
    "smtp.port=9",
    "integration.allowed_networks=127.0.0.0/8",
    "integration.webhook_retry_first_s=0.01",
    "integration.webhook_give_up_s=0.02",
)


class Served:
    """A running server and its data folder."""

    def __init__(self, live: LiveServer, folder: Path) -> None:
        self.live = live
        self.folder = folder

    @property
    def url(self) -> str:
        return self.live.url


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("rest") / "data"
    live = LiveServer(folder, *SETTINGS)
    live.start()
    yield Served(live, folder)
    live.stop()


class Hook(ThreadingHTTPServer):
    """A receiver that takes nothing until ``opens`` is set."""

    daemon_threads = True
    opens = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Hook)
        self.send_response(204 if self.server.opens else 500)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A receiver of one's own."""
    yield from _hook()


def _hook() -> Iterator[Hook]:
    server = Hook(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def harness(served: Served) -> Iterator[Harness]:
    """A world that tests share: they leave it as they found it."""
    made = Harness(served.url, served.folder)
    made.build()
    yield made
    made.client.close()


@pytest.fixture
def fresh_harness(served: Served, hook: Hook) -> Iterator[Harness]:
    """A world that a test may break."""
    made = Harness(served.url, served.folder, hook.url)
    made.build()
    yield made
    made.forget_webhook()
    made.client.close()
