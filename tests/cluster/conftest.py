"""Clusters for tests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .live_cluster import LiveCluster

QUIET = ("rates.user_per_s=0", "rates.connection_per_s=0")


@pytest.fixture
async def own_cluster(tmp_path: Path) -> AsyncIterator[LiveCluster]:
    """Two gateways, two backends and two workers, which the test may harm."""
    made = LiveCluster(tmp_path, *QUIET, shape=(2, 2, 2))
    try:
        await asyncio.to_thread(made.start)
        yield made
    finally:
        await asyncio.to_thread(made.stop)
