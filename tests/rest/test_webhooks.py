"""Webhooks of a real server, to a receiver that is down for a while."""

import asyncio
import json
import subprocess

import httpx
import pytest

from tests.e2e.live_server import HONGYAN, LiveServer
from tests.rest.receiver import Receiver

pytestmark = pytest.mark.xdist_group("rest")
SETTINGS = (
    "rates.user_per_s=0",
    "rates.key_per_s=0",
    "integration.allowed_networks=127.0.0.0/8",
    "integration.webhook_retry_first_s=0.05",
    "integration.webhook_retry_most_s=0.2",
)
SCOPES = (
    "users:read users:write tokens:mint conversations:read conversations:write",
    "messages:read messages:send webhooks:write bots",
)


def make_key(folder, *options):
    scopes = [part for scope in " ".join(SCOPES).split() for part in ("--scope", scope)]
    command = [str(HONGYAN), "key", "create", "tests", *scopes, *options, "--data", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout.strip()


class Shop:
    """An app server with two customers in a conversation."""

    def __init__(self, live, key):
        self.live, self.key = live, key
        self.sent = 0

    def client(self):
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.AsyncClient(base_url=f"{self.live.url}/api/v1", headers=headers, timeout=20)

    async def open(self):
        async with self.client() as client:
            for one in ("seller", "buyer"):
                assert (await client.put(f"/app/users/{one}", json={})).status_code == 200
            order = {"external_id": "order", "name": "Order", "owner": "seller"}
            made = await client.post("/app/conversations", json=order | {"members": ["buyer"]})
            self.conversation_id = made.json()["conversation_id"]

    async def webhook(self, url, **more):
        async with self.client() as client:
            made = await client.post("/webhooks", json={"url": url, **more})
            assert made.status_code == 200, made.text
            return made.json()["info"]["webhook_id"], made.json()["secret"]

    async def send(self, count):
        """Send, and return the texts that were acknowledged."""
        done = []
        async with self.client() as client:
            for _ in range(count):
                self.sent += 1
                answer = await client.post(
                    f"/conversations/{self.conversation_id}/messages",
                    json={"content": {"type": "text", "text": f"{self.sent}"}},
                    headers={
                        "idempotency-key": f"m-{self.sent}",
                        "hongyan-on-behalf-of": "seller",
                    },
                )
                assert answer.status_code == 200, answer.text
                done.append(f"{self.sent}")
        return done


@pytest.fixture
def live(tmp_path):
    server = LiveServer(tmp_path / "data", *SETTINGS)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def shop(live, tmp_path):
    made = Shop(live, make_key(tmp_path / "data"))
    await made.open()
    return made


@pytest.fixture
async def receiver():
    made = Receiver()
    await made.start()
    yield made
    await made.stop()


async def until(is_so, seconds=30):
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_every_event_once_and_in_order_over_an_outage_and_kills(shop, live, receiver):
    _, secret = await shop.webhook(receiver.url, kinds=["message"], batch_max=10)
    receiver.secrets.append(secret)
    sent = await shop.send(25)
    await until(lambda: len(receiver.texts()) == 25)
    await receiver.stop()  # down: nobody listens
    sent += await shop.send(30)
    await asyncio.to_thread(live.kill)
    await asyncio.to_thread(live.start)
    sent += await shop.send(30)
    receiver.is_up = False  # listens again, but answers 503
    await receiver.start()
    before = receiver.attempts
    await until(lambda: receiver.attempts > before + 2)
    await asyncio.to_thread(live.kill)
    await asyncio.to_thread(live.start)
    receiver.is_up = True
    for _ in range(3):  # and killed while deliveries are under way
        sending = asyncio.create_task(shop.send(40))
        sent += await sending
        await asyncio.to_thread(live.kill)
        await asyncio.to_thread(live.start)
    await until(lambda: len(receiver.texts()) >= len(sent))
    await asyncio.sleep(0.3)
    assert receiver.texts() == sent
    positions = [entry["position"] for entry in receiver.entries]
    assert positions == sorted(set(positions))
    assert len(receiver.ids) == len(set(receiver.ids))


async def test_attempts_dead_letters_rotation_and_replay(shop, receiver):
    webhook_id, secret = await shop.webhook(receiver.url, kinds=["message", "members.*"])
    receiver.secrets.append(secret)
    await shop.send(3)
    await until(lambda: len(receiver.entries) == 3)
    async with shop.client() as client:
        attempts = (await client.get(f"/webhooks/{webhook_id}/attempts")).json()["attempts"]
        assert attempts[0]["status"] == 204
        assert attempts[0].get("error", "") == ""
        rotated = await client.post(f"/webhooks/{webhook_id}/rotate-secret", json={})
        receiver.secrets.append(rotated.json()["secret"])
        await shop.send(1)
        await until(lambda: len(receiver.entries) == 4)
        assert len(receiver.headers[-1]["webhook-signature"].split(" ")) == 2
        again = await client.post(f"/webhooks/{webhook_id}/replay", json={"position": 0})
        assert again.status_code == 200
        await until(lambda: len(receiver.entries) >= 10)
    assert receiver.texts()[-4:] == ["1", "2", "3", "4"]
    assert [e["kind"] for e in receiver.entries[4:6]] == ["members.joined", "members.joined"]


async def test_a_webhook_can_sleep_change_and_go(shop, receiver):
    webhook_id, secret = await shop.webhook(receiver.url, conversation_ids=["g" + "a" * 16])
    receiver.secrets.append(secret)
    await shop.send(2)
    async with shop.client() as client:
        path = f"/webhooks/{webhook_id}"
        assert (await client.patch(path, json={"active": False})).json()["active"] is False
        await client.patch(path, json={"conversation_ids": [shop.conversation_id]})
        await shop.send(1)
        await asyncio.sleep(0.2)
        assert receiver.entries == []
        await client.patch(path, json={"active": True})
        await until(lambda: receiver.texts()[-1:] == ["3"])
        assert (await client.delete(path)).status_code == 200
        await shop.send(1)
        await asyncio.sleep(0.3)
        assert receiver.texts()[-1] == "3"
        assert (await client.delete(path)).status_code == 404


async def test_addresses_inside_are_not_called(tmp_path, receiver):
    server = LiveServer(tmp_path / "inside", "integration.webhook_retry_first_s=0.05")
    server.start()
    try:
        shop = Shop(server, make_key(tmp_path / "inside"))
        await shop.open()
        webhook_id, _ = await shop.webhook(receiver.url)
        await shop.send(1)
        async with shop.client() as client:
            for _ in range(100):
                found = await client.get(f"/webhooks/{webhook_id}/attempts")
                if found.json()["attempts"]:
                    break
                await asyncio.sleep(0.05)
        assert "allowed_networks" in json.dumps(found.json())
        assert receiver.attempts == 0
    finally:
        server.stop()


async def test_a_bots_webhook_tells_what_the_bot_sees_alone(shop, receiver):
    async with shop.client() as client:
        bot = (await client.post("/app/bots", json={"external_id": "bot", "name": "Bot"})).json()
        _, secret = await shop.webhook(receiver.url, kinds=["message"], user_id=bot["user_id"])
        receiver.secrets.append(secret)
        await shop.send(2)
        joined = await client.post("/app/conversations/order/members", json={"members": ["bot"]})
        assert joined.json()["user_ids"] == [bot["user_id"]]
        await shop.send(2)
        await until(lambda: receiver.texts() == ["3", "4"])
        headers = {"authorization": f"Bearer {bot['key']['key']}"}
        answer = await client.post(
            f"/conversations/{shop.conversation_id}/messages",
            json={"content": {"type": "text", "text": "I help."}, "client_id": "b-1"},
            headers=headers,
        )
        assert answer.status_code == 200
        await until(lambda: receiver.texts()[-1] == "I help.")
        await client.post("/app/conversations/order/members/remove", json={"members": ["bot"]})
        await shop.send(1)
        await asyncio.sleep(0.3)
    assert receiver.texts() == ["3", "4", "I help."]
