"""The golden transcripts, against a server that was started as a person starts it."""

from pathlib import Path
from typing import Any

import pytest

from .replay import Mismatch, Replay, read_transcript
from .server_process import ServerProcess

TRANSCRIPTS = sorted((Path(__file__).parents[2] / "protocol" / "transcripts").glob("*.jsonl"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_the_server_keeps_to_the_transcript(path: Path, tmp_path: Path) -> None:
    steps = read_transcript(path)
    server = ServerProcess(tmp_path / "data", steps[0].get("settings"))
    await server.start()
    try:
        await Replay(server).run(steps)
    finally:
        assert await server.stop() == 0


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 8


@pytest.mark.parametrize(
    ("wanted", "got", "difference"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, ""),
        ({"a": 1}, {"b": 2}, ".a is missing"),
        ({"a": [1, 2]}, {"a": [1]}, ".a: [1] has not 2 members"),
        ({"a": "$$int"}, {"a": "1"}, ".a: '1' is no integer"),
        ({"a": "$x", "b": "$x"}, {"a": 1, "b": 1}, ""),
        ({"a": "$x", "b": "$x"}, {"a": 1, "b": 2}, ".b: 2 instead of $x = 1"),
        ({"$known": True}, {"u1": True}, ""),
        ({"a": "$$text"}, {"a": ""}, ".a: '' is no text"),
    ],
)
def test_the_runner_sees_differences(wanted: Any, got: Any, difference: str) -> None:
    replay = Replay(ServerProcess(Path()))
    replay.known["$known"] = "u1"
    assert replay._difference(wanted, got, "") == difference


async def test_a_step_that_nobody_knows_is_an_error() -> None:
    with pytest.raises((Mismatch, AssertionError), match="not a step"):
        await Replay(ServerProcess(Path()))._take({"expct": {}})
