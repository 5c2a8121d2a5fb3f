"""A real server behind real proxies with the configurations that we give away."""

import asyncio
import json
import random
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.e2e.live_server import LiveServer
from tests.engines.proxies import DEPLOY, HAPROXY, NGINX, TIMEOUT_S, Proxy, certificate
from tests.files.people import OFFSET_TYPE, Person

pytestmark = pytest.mark.skipif(
    not (NGINX and HAPROXY), reason="no nginx or HAProxy here; tools/prepare-tests installs them"
)
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(
        tmp_path_factory.mktemp("behind") / "data",
        "server.trusted_proxies=127.0.0.1",
        "websocket.heartbeat_s=1",
    )
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(
    request: pytest.FixtureRequest,
    server: LiveServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    made = Proxy(
        request.param, tmp_path_factory.mktemp(request.param), server.url.partition("://")[2]
    )
    yield made
    made.stop()


def test_the_proxy_of_the_compose_file_is_sound(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path)
    (tmp_path / "hongyan.pem").write_text(crt.read_text() + key.read_text())
    text = (DEPLOY / "compose" / "haproxy.cfg").read_text()
    made = tmp_path / "haproxy.cfg"
    made.write_text(text.replace("/etc/haproxy/certs", str(tmp_path)))
    checked = subprocess.run(
        [str(HAPROXY), "-c", "-f", str(made)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    single = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    common = set(single.splitlines()) - set(text.splitlines())
    assert len(common) <= 4, "the two differ in ports and servers alone"


class Visitor:
    """Somebody who comes through the proxy from an address of loopback."""

    number = 0

    def __init__(self, proxy: Proxy, address: str = "127.0.0.1") -> None:
        Visitor.number += 1
        self.tls = ssl.create_default_context(cafile=str(proxy.certificate))
        self.url = proxy.url
        self.http = httpx.Client(
            base_url=proxy.url,
            transport=httpx.HTTPTransport(verify=self.tls, local_address=address),
            timeout=60,
        )
        account = {"handle": f"visitor{self.number}", "password": "correct horse battery"}
        spoofed = {"x-forwarded-for": "6.6.6.6", "forwarded": "for=6.6.6.6"}
        answer = self.http.post("/api/v1/auth/register", json=account, headers=spoofed)
        assert answer.status_code < 300, answer.text
        self.token = answer.json()["access_token"]
        self.http.headers["authorization"] = f"Bearer {self.token}"

    def socket(self) -> Any:
        url = self.url.replace("https", "wss") + "/ws"
        protocols: Any = ["hongyan.json"]
        return connect(url, ssl=self.tls, subprotocols=protocols, ping_interval=None)


async def say(socket: Any, number: int, method: str, **params: Any) -> Any:
    await socket.send(json.dumps({"id": number, "method": method, "params": params}))
    while (answer := json.loads(await socket.recv())).get("id") != number:
        pass
    return answer["result"]


def test_the_configuration_has_no_complaints(proxy: Proxy) -> None:
    assert proxy.complaints == []


def test_plain_http_is_sent_to_tls(proxy: Proxy) -> None:
    answer = httpx.get(f"{proxy.plain_url}/api/v1/me")
    assert answer.status_code == 308
    assert answer.headers["location"].startswith("https://")


def test_answers_come_with_their_headers(proxy: Proxy) -> None:
    visitor = Visitor(proxy)
    answer = visitor.http.get("/api/v1/me")
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert visitor.http.get("/metrics").status_code == 404
    assert visitor.http.get("/healthz").json()["status"] == "ok"


def test_the_visitors_address_counts_and_what_they_say_of_it_does_not(proxy: Proxy) -> None:
    visitor = Visitor(proxy, "127.0.0.9")
    (device,) = visitor.http.get("/api/v1/me/devices").json()["devices"]
    assert device["address"] == "127.0.0.9"


async def test_a_silent_websocket_stays(proxy: Proxy) -> None:
    visitor = Visitor(proxy)
    async with visitor.socket() as socket:
        await say(socket, 1, "hello", token=visitor.token)
        await asyncio.sleep(TIMEOUT_S + 2)
        assert await say(socket, 2, "ping")


async def test_a_message_goes_from_socket_to_socket(proxy: Proxy) -> None:
    li, wang = Visitor(proxy), Visitor(proxy)
    async with li.socket() as here, wang.socket() as there:
        await say(here, 1, "hello", token=li.token)
        other = (await say(there, 1, "hello", token=wang.token))["user_id"]
        opened = await say(here, 2, "conversation.open_direct", user_id=other)
        place = (opened.get("conversation") or opened)["conversation_id"]
        content = {"type": "text", "text": "你好" * 2000}
        await say(here, 3, "message.send", conversation_id=place, client_id="1", content=content)
        async with asyncio.timeout(20):
            while content["text"] not in json.dumps(
                json.loads(await there.recv()), ensure_ascii=False
            ):
                pass


def test_files_go_up_and_down(proxy: Proxy, server: LiveServer) -> None:
    visitor = Visitor(proxy)
    data = random.Random(5).randbytes(12 * MIB)
    headers = {"tus-resumable": "1.0.0", "upload-length": str(len(data))}
    place = visitor.http.post("/api/v1/uploads", headers=headers).headers["location"]
    path = "/api/v1/uploads/" + place.rpartition("/")[2]
    chunk = {"tus-resumable": "1.0.0", "upload-offset": "0", "content-type": OFFSET_TYPE}
    done = visitor.http.patch(path, headers=chunk, content=data)
    assert done.status_code == 204, done.text
    media = f"/api/v1/media/{done.headers['upload-media-id']}"
    assert visitor.http.get(media).content == data
    part = visitor.http.get(media, headers={"range": "bytes=5-104"})
    assert (part.status_code, part.content) == (206, data[5:105])
    assert visitor.url != server.url


def test_events_stream_as_they_happen(proxy: Proxy) -> None:
    li, wang = Visitor(proxy), Visitor(proxy)
    me = wang.http.get("/api/v1/me").json()["user_id"]
    opened = li.http.post("/api/v1/conversations/direct", json={"user_id": me}).json()
    place = (opened.get("conversation") or opened)["conversation_id"]
    with wang.http.stream("GET", "/api/v1/sync/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        next(lines)
        message = {"client_id": "1", "content": {"type": "text", "text": "now"}}
        sent = li.http.post(f"/api/v1/conversations/{place}/messages", json=message)
        assert sent.status_code < 300, sent.text
        assert any('"now"' in line for line in lines)


def test_a_server_that_believes_nobody_counts_the_proxy(proxy: Proxy, server: LiveServer) -> None:
    """What `trusted_proxies` is for: a header from somebody else is passed over."""
    direct = Person(server.url, f"direct{Visitor.number}")
    spoofing = httpx.Client(
        transport=httpx.HTTPTransport(local_address="127.0.0.8"), base_url=server.url
    )
    login = {"identifier": f"direct{Visitor.number}", "password": "correct horse battery"}
    answer = spoofing.post("/api/v1/auth/login", json=login, headers={"x-forwarded-for": "6.6.6.6"})
    assert answer.status_code == 200, answer.text
    devices = direct.ask("GET", "/me/devices")["devices"]
    assert "127.0.0.8" in {device["address"] for device in devices}
