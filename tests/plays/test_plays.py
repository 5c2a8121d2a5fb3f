"""Performs every play over the native protocol."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.live_server import LiveServer

from .interpreter import Play
from .native import NativeStage

PLAYS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("plays") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server that the play may harm."""
    server = LiveServer(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("path", PLAYS, ids=lambda path: path.stem)
async def test_play(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")  # noqa: ASYNC240
    needed = "own_server" if "The server" in text else "shared_server"
    stage = NativeStage(request.getfixturevalue(needed), tmp_path)
    try:
        await Play(stage, text).perform()
    finally:
        await stage.close()


def test_there_are_plays() -> None:
    assert len(PLAYS) >= 15
