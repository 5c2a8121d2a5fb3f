"""The envelope against the protocol's golden transcripts."""

import json
from pathlib import Path
from typing import Any

import pytest

from hongyan_sdk.wire import Push, Request, Response, decode, encode

TRANSCRIPTS = sorted((Path(__file__).parents[3] / "protocol/transcripts").glob("*.jsonl"))


def steps(path: Path, kind: str) -> list[Any]:
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line)
    return [step[kind] for step in lines if kind in step]


def is_request(message: Any) -> bool:
    """Whether it is well formed: transcripts also show what is not."""
    if not isinstance(message, dict) or set(message) - {"id", "method", "params"}:
        return False
    return isinstance(message.get("id"), int) and isinstance(message.get("params", {}), dict)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_messages_of_the_server_are_understood(path: Path) -> None:
    for message in steps(path, "expect"):
        if "id" in message and not isinstance(message["id"], int):
            continue
        if "error" in message:
            message["error"] = {"code": "some", "retryable": False, **message["error"]}
            if not isinstance(message["error"]["retryable"], bool):
                message["error"]["retryable"] = False  # a placeholder stands there
        read = decode(json.dumps(message))
        if "event" in message:
            assert isinstance(read, Push)
            assert read.event == message["event"]
        else:
            assert isinstance(read, Response)
            assert read.id == message["id"]
            assert (read.error is not None) == ("error" in message)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_requests_look_as_in_the_transcripts(path: Path) -> None:
    for message in filter(is_request, steps(path, "send")):
        if not isinstance(message.get("method"), str):
            continue
        request = Request(message["id"], message["method"], message.get("params", {}))
        assert json.loads(encode(request)) == {"params": {}, **message}


def test_there_are_transcripts() -> None:
    assert TRANSCRIPTS
