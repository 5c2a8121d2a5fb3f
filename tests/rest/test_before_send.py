"""The business's word before a message is stored: asked, obeyed, and missed."""

import asyncio
import json

import pytest
import websockets
from aiohttp import web

from tests.e2e.live_server import LiveServer
from tests.rest.receiver import signature_of
from tests.rest.test_webhooks import Shop, make_key

pytestmark = pytest.mark.xdist_group("rest")
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBob29r"


class Business:
    """Refuses what says "no", alters what says "bad", is slow at "slow", and else allows."""

    def __init__(self):
        self.asked = []

    async def start(self):
        app = web.Application()
        app.router.add_post("/ask", self._judge)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/ask"

    async def _judge(self, request):
        body = await request.read()
        message_id, at_s = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        signed = f"{message_id}.{at_s}.".encode() + body
        assert request.headers["webhook-signature"] == f"v1,{signature_of(SECRET, signed)}"
        data = json.loads(body)["data"]
        self.asked.append(data)
        text = data["content"]["text"]
        if text == "no":
            return web.json_response({"action": "refuse", "message": "We do not say that."})
        if text == "bad":
            altered = data["content"] | {"text": "***"}
            return web.json_response({"action": "alter", "content": altered})
        if text == "slow":
            await asyncio.sleep(5)
        return web.Response(status=500 if text == "broken" else 204)


@pytest.fixture
async def business():
    made = Business()
    await made.start()
    yield made
    await made.runner.cleanup()


async def shop_with(folder, business, fails):
    live = LiveServer(
        folder,
        "integration.allowed_networks=127.0.0.0/8",
        f"integration.before_send_url={business.url}",
        f"integration.before_send_secret={SECRET}",
        "integration.before_send_timeout_s=0.5",
        f"integration.before_send_fails={fails}",
    )
    await asyncio.to_thread(live.start)
    shop = Shop(live, await asyncio.to_thread(make_key, folder))
    await shop.open()
    return live, shop


async def say(shop, text):
    async with shop.client() as client:
        return await client.post(
            f"/conversations/{shop.conversation_id}/messages",
            json={"content": {"type": "text", "text": text}, "client_id": f"say {text}"},
            headers={"hongyan-on-behalf-of": "seller"},
        )


async def correct(shop, seq, text):
    async with shop.client() as client:
        return await client.put(
            f"/conversations/{shop.conversation_id}/messages/{seq}",
            json={"content": {"type": "text", "text": text}},
            headers={"hongyan-on-behalf-of": "seller"},
        )


async def stored(shop):
    async with shop.client() as client:
        path = f"/conversations/{shop.conversation_id}/history?only_messages=true"
        found = await client.get(path, headers={"hongyan-on-behalf-of": "buyer"})
        return [one["body"]["content"]["text"] for one in found.json()["entries"]]


@pytest.mark.parametrize("fails", ["closed", "open"])
async def test_the_hook_decides_and_its_silence_is_judged_as_set(tmp_path, business, fails):
    live, shop = await shop_with(tmp_path / "data", business, fails)
    try:
        assert (await say(shop, "yes")).status_code == 200
        refused = await say(shop, "no")
        assert (refused.status_code, refused.json()["code"]) == (403, "refused_by_hook")
        assert refused.json()["detail"] == "We do not say that."
        assert (await say(shop, "bad")).status_code == 200
        told = [(await say(shop, text)).status_code for text in ("slow", "broken")]
        assert told == ([503, 503] if fails == "closed" else [200, 200])
        await business.runner.cleanup()
        gone = await say(shop, "gone")
        if fails == "closed":
            assert (gone.status_code, gone.json()["code"]) == (503, "hook_unavailable")
            assert await stored(shop) == ["yes", "***"]
        else:
            assert gone.status_code == 200
            assert await stored(shop) == ["yes", "***", "slow", "broken", "gone"]
        assert [one["content"]["text"] for one in business.asked[:3]] == ["yes", "no", "bad"]
        assert business.asked[0]["sender"].startswith("x")
    finally:
        await asyncio.to_thread(live.stop)


async def test_the_native_protocol_waits_for_the_hook_without_a_task(tmp_path, business):
    live, shop = await shop_with(tmp_path / "data", business, "closed")
    try:
        async with shop.client() as client:
            tokens = (await client.post("/app/users/buyer/tokens", json={})).json()
        url = live.url.replace("http", "ws", 1) + "/ws"
        async with websockets.connect(url, subprotocols=["hongyan.json"]) as socket:
            hello = {"id": 1, "method": "hello", "params": {"token": tokens["access_token"]}}
            await socket.send(json.dumps(hello))
            await socket.recv()
            for number, text in enumerate(("yes", "no", "bad", "slow"), 2):
                params = {
                    "conversation_id": shop.conversation_id,
                    "client_id": text,
                    "content": {"type": "text", "text": text},
                }
                await socket.send(
                    json.dumps({"id": number, "method": "message.send", "params": params})
                )
            answers = {}
            while len(answers) < 4:
                answer = json.loads(await asyncio.wait_for(socket.recv(), 10))
                if "id" in answer:
                    answers[answer["id"]] = answer.get("error", {}).get("code", "sent")
        assert answers == {2: "sent", 3: "refused_by_hook", 4: "sent", 5: "hook_unavailable"}
        assert await stored(shop) == ["yes", "***"]
    finally:
        await asyncio.to_thread(live.stop)


async def test_edits_are_asked_about_too(tmp_path, business):
    live, shop = await shop_with(tmp_path / "data", business, "closed")
    try:
        seq = (await say(shop, "yes")).json()["seq"]
        refused = await correct(shop, seq, "no")
        assert (refused.status_code, refused.json()["code"]) == (403, "refused_by_hook")
        assert (await correct(shop, seq, "slow")).json()["code"] == "hook_unavailable"
        assert await stored(shop) == ["yes"]
        assert (await correct(shop, seq, "bad")).status_code == 200
        assert await stored(shop) == ["***"]
        told = [(one["edits_seq"], one["client_id"]) for one in business.asked]
        assert told == [(0, "say yes")] + [(seq, "say yes")] * 3
    finally:
        await asyncio.to_thread(live.stop)
