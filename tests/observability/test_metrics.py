"""Metrics of a real server."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.live_server import LiveServer
from tests.engines.process import free_ports
from tests.files.people import Person

TOKEN = "a-token-for-prometheus"


@pytest.fixture(scope="module")
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("metrics") / "data"
    live = LiveServer(folder, f"metrics.listen=127.0.0.1:{port}", f"metrics.token={TOKEN}")
    live.start()
    yield live
    live.stop()


def scraped(port: int) -> dict[str, float]:
    """Return the samples by name, those of one name added up."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers)
    assert answer.status_code == 200
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_they_count_what_happens(server: LiveServer, port: int) -> None:
    before = scraped(port)
    Person(server.url, "wang")
    assert httpx.get(f"{server.url}/api/v1/me").status_code == 401
    after = scraped(port)
    assert after["hongyan_http_seconds_count"] >= before.get("hongyan_http_seconds_count", 0) + 2
    for name in ("hongyan_commits_total", "hongyan_events_total", "hongyan_refusals_total"):
        assert after[name] > before.get(name, 0), name
    assert after["hongyan_ready"] == after["hongyan_store_writable"] == 1
    assert after["process_open_fds"] > 5


def test_nobody_reads_them_by_accident(server: LiveServer, port: int) -> None:
    for url in (f"{server.url}/metrics", f"http://127.0.0.1:{port}/metrics"):
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"authorization": "Bearer x"}).status_code == 401
    right = {"authorization": f"Bearer {TOKEN}"}
    assert "hongyan_info" in httpx.get(f"{server.url}/metrics", headers=right).text


def test_without_settings_there_are_none(tmp_path: Path) -> None:
    live = LiveServer(tmp_path / "data")
    live.start()
    try:
        answer = httpx.get(f"{live.url}/metrics", headers={"authorization": "Bearer x"})
        assert "hongyan_" not in answer.text
    finally:
        live.stop()


def test_health(server: LiveServer, port: int) -> None:
    for path in ("/healthz", "/readyz"):
        for base in (server.url, f"http://127.0.0.1:{port}"):
            answer = httpx.get(base + path)
            assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_a_port_that_is_taken_is_told(server: LiveServer, tmp_path: Path, port: int) -> None:
    from tests.e2e.live_server import HONGYAN

    command = [str(HONGYAN), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    command += ["--set", f"metrics.listen=127.0.0.1:{port}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "cannot serve" in ended.stderr
