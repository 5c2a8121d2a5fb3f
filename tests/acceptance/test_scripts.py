"""Performs every play over the native protocol, on one server and on a cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.live_cluster import LiveCluster, started
from tests.e2e.live_server import LiveServer
from tests.e2e.servers import SERVERS

from .interpreter import Script
from .native import NativeDriver

SCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("plays") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with started(LiveCluster(tmp_path_factory.mktemp("cluster"))) as made:
        yield made


@pytest.fixture
def own_embedded(tmp_path: Path) -> Iterator[LiveServer]:
    """A server that the play may harm."""
    server = LiveServer(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_cluster(cluster: LiveCluster) -> LiveCluster:
    """A cluster that the play may harm: it is whole again afterwards, and plays of one process
    come one after the other."""
    return cluster


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_play(
    path: Path, server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = path.read_text(encoding="utf-8")  # noqa: ASYNC240
    needed = f"own_{server}" if "The server" in text else server
    driver = NativeDriver(request.getfixturevalue(needed), tmp_path)
    try:
        await Script(driver, text).perform()
    finally:
        await driver.close()


def test_there_are_plays() -> None:
    assert len(SCRIPTS) >= 15
