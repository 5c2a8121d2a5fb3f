"""Server-Sent Events and the long poll of a real server."""

import asyncio
import json

import httpx
import pytest

from hongyan.access.http import examples

pytestmark = pytest.mark.xdist_group("rest")
ALICE, BOB, CAROL = examples.ALICE, examples.BOB, examples.CAROL


class Stream:
    """One open stream, read in the background."""

    def __init__(self, harness, who, **headers):
        self._headers = {"authorization": f"Bearer {harness.tokens[who]}", **headers}
        self._url = f"{harness.url}/api/v1/sync/stream"
        self.events = []
        self.last_id = ""
        self.ended = asyncio.Event()

    async def __aenter__(self):
        self._task = asyncio.create_task(self._read())
        await self.until(lambda: self.last_id)
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self):
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream("GET", self._url, headers=self._headers) as answer,
        ):
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            name = ""
            async for line in answer.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    self.last_id = value
                elif field == "event":
                    name = value
                elif field == "data":
                    self.events.append((name, json.loads(value)))
        self.ended.set()

    async def until(self, is_so):
        async with asyncio.timeout(15):
            while not is_so():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def texts(self):
        return [
            one["body"]["content"]["text"]
            for name, one in self.events
            if name == "entry" and one["kind"] == "message" and "text" in one["body"]["content"]
        ]


async def say(harness, text, who=ALICE):
    content = {"type": "text", "text": text}
    params = {"conversation_id": examples.GROUP, "client_id": f"say {text}", "content": content}
    return await asyncio.to_thread(harness.call, "message.send", params, who)


async def test_a_stream_tells_entries_and_signals_and_resumes_where_it_broke(fresh_harness):
    harness = fresh_harness
    async with Stream(harness, BOB) as stream:
        await say(harness, "one")
        await asyncio.to_thread(harness.call, "conversation.typing", dict(examples.IN_GROUP))
        await stream.until(lambda: any(name == "signal" for name, _ in stream.events))
    assert stream.texts() == ["one"]
    assert stream.events[0][0] == "ready"
    await say(harness, "two")
    await say(harness, "three")
    async with Stream(harness, BOB, **{"last-event-id": stream.last_id}) as resumed:
        await say(harness, "four")
        await resumed.until(lambda: "four" in resumed.texts())
    assert resumed.texts() == ["two", "three", "four"]
    again = stream.last_id.replace(stream.last_id.partition(".")[0], "another")
    async with Stream(harness, BOB, **{"last-event-id": again}) as anew:
        await anew.until(lambda: len(anew.events) > 1)
    assert [name for name, _ in anew.events] == ["ready", "resync"]
    assert anew.events[0][1]["generation"] == stream.last_id.partition(".")[0]


async def test_a_stream_tells_what_its_device_asked_for_in_a_request_and_strangers_nothing(
    fresh_harness,
):
    """A request is a connection of its own: it may break before it has its answer."""
    harness = fresh_harness
    async with (
        Stream(harness, ALICE) as alice,
        Stream(harness, BOB) as bob,
        Stream(harness, CAROL) as carol,
    ):
        await say(harness, "hello")
        await bob.until(lambda: bob.texts() == ["hello"])
        await say(harness, "back", who=BOB)
        await alice.until(lambda: alice.texts() == ["hello", "back"])
    assert carol.texts() == []


async def test_a_device_has_one_connection_and_loses_it_with_its_log_in(fresh_harness):
    harness = fresh_harness
    async with Stream(harness, BOB) as first, Stream(harness, BOB) as second:
        await first.until(first.ended.is_set)
        assert first.events[-1] == ("end", {"reason": "replaced"})
        await asyncio.to_thread(harness.call, "user.kick", {"user_id": BOB})
        await second.until(second.ended.is_set)
        assert second.events[-1] == ("end", {"reason": "kicked"})


async def test_a_poll_waits_for_news_and_no_longer(fresh_harness):
    harness = fresh_harness
    headers = {"authorization": f"Bearer {harness.tokens[BOB]}"}
    async with httpx.AsyncClient(base_url=f"{harness.url}/api/v1", headers=headers) as client:
        first = (await client.post("/sync/poll", json={})).json()["synced"]
        known = {
            one["conversation"]["conversation_id"]: one["conversation"]["head"]["seq"]
            for one in first["conversations"]
        }
        have = {"known": known, "user_seq": first["user_seq"]}
        nothing = await client.post("/sync/poll", json={**have, "timeout_s": 0.1})
        assert nothing.json() == {
            "synced": {
                "conversations": [],
                "next_after": None,
                "left": [],
                "user_seq": first["user_seq"],
                "user_entries": [],
                "user_log_truncated": False,
                "generation": first["generation"],
            },
            "signals": [],
        }
        waiting = asyncio.create_task(
            client.post("/sync/poll", json={**have, "timeout_s": 30}, timeout=40)
        )
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await say(harness, "news")
        async with asyncio.timeout(5):
            news = (await waiting).json()["synced"]["conversations"]
        assert [one["entries"][-1]["body"]["content"]["text"] for one in news] == ["news"]
        known[news[0]["conversation"]["conversation_id"]] += 1
        waiting = asyncio.create_task(
            client.post("/sync/poll", json={**have, "timeout_s": 30}, timeout=40)
        )
        await asyncio.sleep(0.3)
        await asyncio.to_thread(harness.call, "conversation.typing", dict(examples.IN_GROUP))
        async with asyncio.timeout(5):
            signals = (await waiting).json()["signals"]
        assert [one["kind"] for one in signals] == ["typing"]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/sync/stream?last_event_id=never", {}),
        ("/sync/stream?nothing=1", {}),
        ("/sync/poll", {"json": {"timeout_s": 61}}),
        ("/sync/poll", {"json": {"nothing": 1}}),
    ],
)
def test_what_is_wrong_is_a_problem(harness, path, more):
    verb = "POST" if more else "GET"
    headers = {"authorization": f"Bearer {harness.tokens[ALICE]}"}
    answer = harness.client.request(verb, f"/api/v1{path}", headers=headers, **more)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert harness.client.request(verb, f"/api/v1{path}", **more).status_code == 401
