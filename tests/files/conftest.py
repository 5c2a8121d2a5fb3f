"""A real server that takes small files, and people who know each other."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.live_server import LiveServer

from .people import Person

FILE_BYTES_MAX = 64 * 1024 * 1024
QUOTA_BYTES = 256 * 1024 * 1024
_numbers = itertools.count(1)

Meet = Callable[[], Person]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that lives through all tests of this folder that do not harm it."""
    live = LiveServer(
        tmp_path_factory.mktemp("files") / "data",
        f"files.file_bytes_max={FILE_BYTES_MAX}",
        f"files.quota_bytes={QUOTA_BYTES}",
        "files.uploads_max=5",
        "files.worker_time_s=10",
        "files.worker_cpu_s=5",
        "files.image_pixels_max=4000000",
        "files.refused_types=application/x-executable",
        "rates.user_per_s=0",
    )
    live.start()
    yield live
    live.stop()


@pytest.fixture
def meet(server: LiveServer) -> Meet:
    """Make somebody new."""
    return lambda: Person(server.url, f"person{next(_numbers)}")


@pytest.fixture
def alice(meet: Meet) -> Person:
    return meet()


@pytest.fixture
def bob(meet: Meet) -> Person:
    return meet()


@pytest.fixture
def carol(meet: Meet) -> Person:
    return meet()
