import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tools.cluster.engines import NatsProcess, RedisProcess

from .harness import Harness, LocalHarness, RealHarness

REAL = ("broadcast", "registry", "rpc", "broadcast-redis")
STRATEGIES = ("interest", "exact", "broadcast", "registry", "rpc")
"""The first two are only measured, by the benchmarks; they ask more of a subscriber than others."""


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    process = NatsProcess(tmp_path_factory.mktemp("nats"))
    process.start()
    yield process
    process.stop()


ALL = [*(f"local {name}" for name in STRATEGIES), *(f"real {name}" for name in REAL)]


@pytest.fixture(params=ALL)
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    """Every strategy, in one process and over real brokers that all tests share."""
    kind, strategy = request.param.split()
    async with AsyncExitStack() as stack:
        if kind == "local":
            yield LocalHarness(stack, strategy)
        else:
            engines = request.getfixturevalue("nats"), request.getfixturevalue("redis")
            yield RealHarness(stack, strategy, *engines)


@pytest.fixture(params=ALL)
async def frail_harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    """The same over brokers of one's own, which may be stopped."""
    kind, strategy = request.param.split()
    async with AsyncExitStack() as stack:
        if kind == "local":
            yield LocalHarness(stack, strategy)
            return
        if shutil.which("redis-server") is None:
            pytest.skip("no redis-server; see tools/prepare-tests")
        engines = NatsProcess(tmp_path), RedisProcess(tmp_path)
        for engine in engines:
            engine.start()
            stack.callback(engine.stop)
        yield RealHarness(stack, strategy, *engines)
