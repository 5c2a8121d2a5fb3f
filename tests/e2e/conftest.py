"""A real server and a real cluster for the tests of a session that do not harm them."""

from collections.abc import Iterator

import pytest

from .servers import SERVERS, Server, opened


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """What the test runs against."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def live_server(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with opened(server, tmp_path_factory.mktemp(server)) as live:
        yield live
