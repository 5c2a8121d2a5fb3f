"""One client that sends or fetches a file over a bare socket, and what it cost the server."""

import socket
import time
from collections.abc import Callable

import psutil
from msgspec import Struct

BLOCK_BYTES = 1024 * 1024


class Transfer(Struct, frozen=True):
    """What moving some bytes took."""

    mb_per_s: float
    cpu_ms_per_mb: float
    """Of the server's processes, kernel time included."""


def cpu_s(pid: int) -> float:
    """Return the seconds of computing of a process and its children so far."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    times = [member.cpu_times() for member in family]
    return float(sum(time.user + time.system for time in times))


def measure(pid: int, size_bytes: int, move: Callable[[], object]) -> Transfer:
    """Move the bytes once and tell what that took."""
    before, started = cpu_s(pid), time.perf_counter()
    move()
    took_s, spent_s = time.perf_counter() - started, cpu_s(pid) - before
    megabytes = size_bytes / 1_000_000
    return Transfer(megabytes / took_s, spent_s * 1000 / megabytes)


def download(port: int, path: str, headers: dict[str, str], size_bytes: int) -> None:
    """Fetch a file and throw it away."""
    with _request(port, "GET", path, headers) as connection:
        buffer = bytearray(BLOCK_BYTES)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        status, _, rest = head.partition(b"\r\n\r\n")
        assert b" 200 " in status.split(b"\r\n")[0], status
        left = size_bytes - len(rest)
        while left:
            count = connection.recv_into(buffer, min(left, BLOCK_BYTES))
            assert count, "the server hung up"
            left -= count


def upload(port: int, verb: str, path: str, headers: dict[str, str], size_bytes: int) -> None:
    """Send a file of zeros, and wait for the answer."""
    headers = headers | {"content-length": str(size_bytes)}
    with _request(port, verb, path, headers) as connection:
        block = bytes(BLOCK_BYTES)
        for begin in range(0, size_bytes, BLOCK_BYTES):
            connection.sendall(block[: min(BLOCK_BYTES, size_bytes - begin)])
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
        assert b" 20" in answer.split(b"\r\n")[0], answer


def _request(port: int, verb: str, path: str, headers: dict[str, str]) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    lines = [f"{verb} {path} HTTP/1.1", f"host: 127.0.0.1:{port}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection
