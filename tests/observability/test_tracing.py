"""A message is followed from the socket to the recipient, and nothing it says leaves the server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.e2e.live_server import LiveServer
from tests.engines.otlp import Collector, Span
from tests.files.people import Person

TEXT = "words that nobody else may read"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.stop()


async def say(socket: Any, number: int, method: str, **params: Any) -> Any:
    await socket.send(json.dumps({"id": number, "method": method, "params": params}))
    while (answer := json.loads(await socket.recv())).get("id") != number:
        pass
    return answer.get("result") or answer["error"]


async def talk(from_url: str, to_url: str) -> tuple[str, int]:
    """Let one say something to another, and return which message it was."""
    li, wang = Person(from_url, "li"), Person(to_url, "wang")
    urls = [url.replace("http", "ws") + "/ws" for url in (from_url, to_url)]
    protocols: Any = ["hongyan.json"]
    async with (
        connect(urls[0], subprotocols=protocols) as here,
        connect(urls[1], subprotocols=protocols) as there,
    ):
        await say(here, 1, "hello", token=li.token)
        await say(there, 1, "hello", token=wang.token)
        opened = await say(here, 2, "conversation.open_direct", user_id=wang.user_id)
        place = (opened.get("conversation") or opened)["conversation_id"]
        content = {"type": "text", "text": TEXT}
        sent = await say(
            here, 3, "message.send", conversation_id=place, client_id="c", content=content
        )
        refused = await say(here, 4, "message.get", conversation_id="d-none", seq=1)
        assert "code" in refused
        while TEXT not in str(await there.recv()):
            pass
    return place, sent["seq"]


def check_way(spans: list[Span], place: str, seq: int) -> dict[str, Span]:
    """Check that the three spans of the message hang together, and return them."""
    (carried,) = [one for one in spans if one.name == "carry out message.send"]
    (request,) = [one for one in spans if one.span_id == carried.parent_id]
    pushes = [one for one in spans if one.name == "push" and one.parent_id == carried.span_id]
    assert request.ids["hongyan.method"] == "message.send"
    assert {one.trace_id for one in (request, carried, *pushes)} == {request.trace_id}
    assert pushes
    for push in pushes:
        assert (push.ids["hongyan.conversation"], push.ids["hongyan.seq"]) == (place, seq)
        assert push.began_ns > request.began_ns
    return {"request": request, "carried": carried, "push": pushes[0]}


def has_push(spans: list[Span]) -> bool:
    sent = [one.span_id for one in spans if one.name == "carry out message.send"]
    requests = {one.span_id for one in spans if one.name == "request"}
    return any(one.name == "push" and one.parent_id in sent for one in spans) and any(
        one.parent_id in requests for one in spans if one.name == "carry out message.send"
    )


async def test_one_server(tmp_path: Path, collector: Collector) -> None:
    live = LiveServer(tmp_path / "data", f"tracing.url={collector.url}", "tracing.share=1")
    live.start()
    try:
        place, seq = await talk(live.url, live.url)
        found = check_way(collector.wait_for(has_push), place, seq)
    finally:
        live.stop()
    assert {span.node for span in found.values()} == {"serve"}
    refused = [span for span in collector.spans if span.error and span.name == "request"]
    assert [span.ids["hongyan.method"] for span in refused] == ["message.get"]
    assert TEXT.encode() not in collector.bodies
    assert b"eyJ" not in collector.bodies, "a token"


async def test_a_collector_that_is_down_harms_nobody(tmp_path: Path) -> None:
    live = LiveServer(tmp_path / "data", "tracing.url=http://127.0.0.1:9", "tracing.share=1")
    live.start()
    try:
        assert (await talk(live.url, live.url))[1]
    finally:
        live.stop()
