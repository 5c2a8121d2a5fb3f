"""``python -m benchmarks.rest``: REST and webhooks, beside a bare Starlette endpoint on uvicorn.

The server runs on core 0; this process, which asks and receives, on core 1. A message that is
sent over REST is authenticated, judged, on disk (fsync) and told; the bare endpoint reads JSON
and answers with JSON.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httptools
import httpx
import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import servers

CONNECTIONS = 32
SCOPES = "users:write tokens:mint conversations:write messages:send webhooks:write"
BARE = """
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def send(request):
    await request.json()
    return JSONResponse({"seq": 1234567, "ordinal": 1234567, "sent_at_ms": 1700000000000})

path = "/api/v1/conversations/{conversation_id}/messages"
app = Starlette(routes=[Route(path, send, methods=["POST"])])
config = uvicorn.Config(app, port=0, log_level="error", access_log=False, loop="uvloop")
server = uvicorn.Server(config)
socket = config.bind_socket()
socket.listen(2048)
print(f"http://127.0.0.1:{socket.getsockname()[1]}", flush=True)
server.run([socket])
"""


class Answers(asyncio.Protocol):
    """One connection that always has one request under way."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ask first."""
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Read the answer."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Count, and ask again."""
        self._load.times.append(time.perf_counter() - self._began)
        if self._parser.get_status_code() != 200:
            self._load.errors += 1
        if self._load.goes_on:
            self._ask()

    def _ask(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._began = time.perf_counter()
        self._transport.write(self._load.request())


class Load:
    """Sends messages over some connections."""

    def __init__(self, port: int, conversation_id: str, token: str) -> None:
        self._port = port
        path = f"/api/v1/conversations/{conversation_id}/messages"
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
        self._head = head + "content-type: application/json\r\ncontent-length: "
        self._run = os.urandom(4).hex()
        self._sent = 0
        self.goes_on = True
        self.times: list[float] = []
        self.errors = 0

    def request(self) -> bytes:
        """Return the next request."""
        self._sent += 1
        content = {"type": "text", "text": "Shall we meet at noon under the old tree?"}
        body = json.dumps({"client_id": f"{self._run}-{self._sent}", "content": content})
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode()

    async def run(self, process: psutil.Process, seconds: float) -> dict[str, float]:
        """Load for so long, and return what was measured."""
        loop = asyncio.get_running_loop()
        connections = [
            await loop.create_connection(lambda: Answers(self), "127.0.0.1", self._port)
            for _ in range(CONNECTIONS)
        ]
        await asyncio.sleep(seconds / 4)
        self.times.clear()
        cpu, began = cpu_s(process), time.perf_counter()
        await asyncio.sleep(seconds)
        times, spent_s = self.times, time.perf_counter() - began
        cpu = cpu_s(process) - cpu
        self.goes_on = False
        await asyncio.sleep(0.2)
        for transport, _ in connections:
            transport.close()
        return {
            "rate": len(times) / spent_s,
            "cpu_us": cpu / len(times) * 1e6,
            "p50_ms": statistics.median(times) * 1e3,
            "p99_ms": sorted(times)[int(len(times) * 0.99)] * 1e3,
            "errors": self.errors,
        }


class Receiver(asyncio.Protocol):
    """Takes deliveries and counts their entries."""

    entries = 0
    deliveries = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for requests."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._body = bytearray()

    def data_received(self, data: bytes) -> None:
        """Read."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Keep."""
        self._body += body

    def on_message_complete(self) -> None:
        """Count and take."""
        Receiver.entries += self._body.count(b'"position":')
        Receiver.deliveries += 1
        self._body.clear()
        self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def cpu_s(process: psutil.Process) -> float:
    """Return the processor time that the server has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


class Shop:
    """What the measurement needs on the server."""

    def __init__(self, data_dir: Path, port: int) -> None:
        command = [sys.executable, "-m", "hongyan", "key", "create", "bench"]
        for scope in SCOPES.split():
            command += ["--scope", scope]
        made = subprocess.run(
            [*command, "--data", str(data_dir)], stdout=subprocess.PIPE, text=True, check=True
        )
        headers = {"authorization": f"Bearer {made.stdout.strip()}"}
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=60
        )
        self.ask("PUT", "/app/users/seller", {})
        order = {"external_id": "order", "name": "Order", "owner": "seller"}
        made_group = self.ask("POST", "/app/conversations", order)
        self.conversation_id = made_group["conversation_id"]
        minted = self.ask("POST", "/app/users/seller/tokens", {"expires_in_s": 86_400})
        self.token = minted["access_token"]

    def ask(self, verb: str, path: str, body: dict[str, Any]) -> Any:
        """Ask, and return the answer."""
        answer = self.client.request(verb, path, json=body)
        answer.raise_for_status()
        return answer.json()


async def webhooks(shop: Shop, process: psutil.Process, until: int) -> dict[str, float]:
    """Let a webhook catch up with everything that was sent, and time it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/hook"
    made = await asyncio.to_thread(
        shop.ask, "POST", "/webhooks", {"url": url, "kinds": ["message"], "batch_max": 100}
    )
    cpu, began = cpu_s(process), time.perf_counter()
    path = f"/webhooks/{made['info']['webhook_id']}/replay"
    await asyncio.to_thread(shop.ask, "POST", path, {"position": 0})
    while until > Receiver.entries:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    spent_s = time.perf_counter() - began
    used_s = cpu_s(process) - cpu
    server.close()
    return {
        "rate": Receiver.entries / spent_s,
        "cpu_us": used_s / Receiver.entries * 1e6,
        "deliveries": Receiver.deliveries / spent_s,
    }


def measured(seconds: float) -> dict[str, dict[str, float]]:
    """Measure both servers."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="hongyan-bench-") as folder:
        os.environ["HONGYAN_RATES__KEY_PER_S"] = "0"
        os.environ["HONGYAN_INTEGRATION__ALLOWED_NETWORKS"] = "127.0.0.0/8"
        data_dir = Path(folder)
        with servers.hongyan(data_dir) as server:
            process = psutil.Process(server.pid)
            shop = Shop(data_dir, server.port)
            load = Load(server.port, shop.conversation_id, shop.token)
            found["ours"] = uvloop.run(load.run(process, seconds))
            sent = len(load.times)
            found["webhook"] = uvloop.run(webhooks(shop, process, sent))
    with servers.Process([sys.executable, "-c", BARE]) as server:
        load = Load(server.port, "g" + "a" * 16, "x" * 300)
        found["bare"] = uvloop.run(load.run(psutil.Process(server.pid), seconds))
    return found


def show(found: dict[str, dict[str, float]], write: Callable[[Table], None]) -> None:
    """Print the table."""
    ours, bare, hook = found["ours"], found["bare"], found["webhook"]
    table = Table("figure", "unit", "hongyan", "bare Starlette", "ratio", box=None)
    for name, unit, key in (
        ("REST message.send, 32 connections", "requests/s", "rate"),
        ("server CPU", "µs/request", "cpu_us"),
        ("p50", "ms", "p50_ms"),
        ("p99", "ms", "p99_ms"),
    ):
        ratio = ours[key] / bare[key]
        table.add_row(name, unit, f"{ours[key]:,.2f}", f"{bare[key]:,.2f}", f"{ratio:.2f}")
    table.add_row("webhook, batches of 100", "events/s", f"{hook['rate']:,.0f}", "", "")
    table.add_row("webhook: server CPU", "µs/event", f"{hook['cpu_us']:,.1f}", "", "")
    write(table)
    if ours["errors"] or bare["errors"]:
        print(f"errors: {ours['errors']:.0f}, {bare['errors']:.0f}", file=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rest", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="for a moment only: rough figures")
    parser.add_argument("--json", type=Path, help="where to write the figures too")
    chosen = parser.parse_args()
    servers.pin(os.getpid(), servers.LOAD_CORE)
    found = measured(2 if chosen.quick else 8)
    show(found, Console(width=None if sys.stdout.isatty() else 120).print)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
