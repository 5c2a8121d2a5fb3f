import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tools.cluster.engines import NatsProcess, RedisProcess

from .world import LocalWorld, RealWorld, World

REAL = ("broadcast", "registry", "rpc", "broadcast-redis")
STRATEGIES = ("interest", "exact", "broadcast", "registry", "rpc")
"""The first two are only measured, by the benchmarks; they ask more of a station than others."""


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    process = NatsProcess(tmp_path_factory.mktemp("nats"))
    process.start()
    yield process
    process.stop()


ALL = [*(f"local {name}" for name in STRATEGIES), *(f"real {name}" for name in REAL)]


@pytest.fixture(params=ALL)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Every strategy, in one process and over real brokers that all tests share."""
    kind, strategy = request.param.split()
    async with AsyncExitStack() as stack:
        if kind == "local":
            yield LocalWorld(stack, strategy)
        else:
            engines = request.getfixturevalue("nats"), request.getfixturevalue("redis")
            yield RealWorld(stack, strategy, *engines)


@pytest.fixture(params=ALL)
async def frail_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The same over brokers of one's own, which may be stopped."""
    kind, strategy = request.param.split()
    async with AsyncExitStack() as stack:
        if kind == "local":
            yield LocalWorld(stack, strategy)
            return
        if shutil.which("redis-server") is None:
            pytest.skip("no redis-server; see tools/prepare-tests")
        engines = NatsProcess(tmp_path), RedisProcess(tmp_path)
        for engine in engines:
            engine.start()
            stack.callback(engine.stop)
        yield RealWorld(stack, strategy, *engines)
