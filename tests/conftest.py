"""What all tests share: a clock that stands still, and the stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Committed
from hongyan.infra.memory.store import MemoryStore
from hongyan.infra.sqlite.store import SqliteStore

Store = MemoryStore | SqliteStore


class FakeClock:
    """Shows what it was set to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def advance(self, ms: int) -> None:
        self.at_ms += ms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def committed() -> list[Committed]:
    """What the ``store`` fixture has told, in order."""
    return []


@pytest.fixture(params=["memory", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, committed: list[Committed]
) -> AsyncIterator[Store]:
    """A fresh store of either kind."""
    made: Store = (
        MemoryStore(ROWS, committed.append)
        if request.param == "memory"
        else SqliteStore(tmp_path / "hongyan.db", ROWS, committed.append)
    )
    await made.start()
    yield made
    await made.close()
