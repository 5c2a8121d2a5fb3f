"""A cluster tells how it is, and where a message is."""

import json
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from tests.cluster.live_cluster import LiveCluster
from tests.engines.otlp import Collector
from tests.engines.process import free_ports
from tests.files.people import Person
from tests.observability.test_tracing import check_way, has_push, talk

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]


def names(port: int) -> set[str]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return {family.name for family in text_string_to_metric_families(text)}


def facts(port: int) -> float:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    samples = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return sum(one.value for one in samples if one.name == "hongyan_events_total")


def status(port: int, path: str) -> int:
    return httpx.get(f"http://127.0.0.1:{port}{path}").status_code


async def test_health_metrics_and_the_way_of_a_message(tmp_path: Path) -> None:
    cluster = LiveCluster(tmp_path, shape=(2, 1, 1), with_proxy=False)
    nodes = [*cluster.gateways, *cluster.backends, *cluster.workers]
    ports = free_ports(len(nodes))
    for node, port in zip(nodes, ports, strict=True):
        node._settings["metrics.listen"] = f"127.0.0.1:{port}"
    try:
        cluster.start()
        for port in ports:
            assert status(port, "/healthz") == 200
            assert status(port, "/readyz") == 200
        gateway, backend = names(ports[0]), names(ports[2])
        assert {"hongyan_connections", "hongyan_events", "hongyan_possible_losses"} <= gateway
        assert "hongyan_reader_lag_seconds" not in gateway
        assert {"hongyan_commit_queue", "hongyan_reader_lag_seconds"} <= backend
        assert {"hongyan_events_waiting", "hongyan_events_dropped"} <= backend
        first, second = (gateway.url for gateway in cluster.gateways)
        li, wang = Person(first, "li"), Person(second, "wang")
        opened = li.ask("POST", "/conversations/direct", user_id=wang.user_id)
        host = (opened.get("conversation") or opened)["conversation_id"]
        url = second.replace("http", "ws") + "/ws"
        async with connect(url, subprotocols=["hongyan.json"]) as socket:  # type: ignore[list-item]
            hello = {"id": 1, "method": "hello", "params": {"token": wang.token}}
            await socket.send(json.dumps(hello))
            device = json.loads(await socket.recv())["result"]["device_id"]
            message = {"client_id": "c", "content": {"type": "text", "text": "hi"}}
            seq = li.ask("POST", f"/conversations/{host}/messages", **message)["seq"]
            await socket.recv()
            found = json.loads(cluster.operate("trace", f"{host}:{seq}", "--json"))
        assert facts(ports[1]) > 0
        pushed = [
            one
            for user in found["users"]
            for one in user["devices"]
            if one["device_id"] == device and one["pushed_at_ms"]
        ]
        assert len(pushed) == 1
        heard = [node["node"] for node in found["nodes"] if node["heard_at_ms"]]
        assert pushed[0]["node"] in heard
        cluster.nats.stop()
        assert status(ports[2], "/healthz") == 200
        assert status(ports[2], "/readyz") == 503
    finally:
        cluster.stop()


async def test_a_message_is_followed_through_the_cluster(tmp_path: Path) -> None:
    collector = Collector()
    settings = (f"tracing.url={collector.url}", "tracing.share=1")
    cluster = LiveCluster(tmp_path, *settings, shape=(2, 1, 1), with_proxy=False)
    try:
        cluster.start()
        host, seq = await talk(*(gateway.url for gateway in cluster.gateways))
        found = check_way(collector.wait_for(has_push), host, seq)
    finally:
        cluster.stop()
        collector.stop()
    nodes = {name: span.node for name, span in found.items()}
    assert (nodes["request"], nodes["carried"]) == ("gateway-1", "backend-1")
    assert nodes["push"].startswith("gateway-")
