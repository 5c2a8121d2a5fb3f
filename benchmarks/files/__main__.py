"""Prints MB/s and server CPU per MB of uploads and downloads, beside nginx.

nginx sends by sendfile and receives into a temporary file that it renames, without an fsync;
Hongyan syncs what it acknowledges, hashes it, and asks for every download who may read it.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from tests.e2e.live_server import LiveServer
from tests.files.people import OFFSET_TYPE, Person

from .nginx import Nginx, find_nginx
from .transfer import Transfer, download, measure, upload

MB = 1_000_000


Found = tuple[list[Transfer], list[Transfer]]
"""The uploads and the downloads."""


def of_hongyan(folder: Path, size_bytes: int, rounds: int) -> Found:
    """Measure the real server."""
    settings = ("files.quota_bytes=0", f"files.file_bytes_max={size_bytes}")
    server = LiveServer(folder / "data", *settings)
    server.start()
    ups, downs = [], []
    try:
        person, port = Person(server.url, "bench"), int(server.url.rpartition(":")[2])
        token = {"authorization": f"Bearer {person.token}"}
        chunk = token | {
            "tus-resumable": "1.0.0",
            "upload-offset": "0",
            "content-type": OFFSET_TYPE,
        }
        for _ in range(rounds):
            place = person.begin(size_bytes).headers["location"].removeprefix(server.url)
            up = partial(upload, port, "PATCH", place, chunk, size_bytes)
            ups.append(measure(server.pid, size_bytes, up))
            media_id = person.tus("HEAD", place).headers["upload-media-id"]
            down = partial(download, port, f"/api/v1/media/{media_id}", token, size_bytes)
            downs.append(measure(server.pid, size_bytes, down))
    finally:
        server.stop()
    return ups, downs


def of_nginx(folder: Path, size_bytes: int, rounds: int) -> Found:
    """Measure nginx."""
    nginx = Nginx(folder / "nginx")
    ups, downs = [], []
    try:
        for number in range(rounds):
            path, port = f"/file{number}", nginx.port
            up = partial(upload, port, "PUT", path, {}, size_bytes)
            ups.append(measure(nginx.pid, size_bytes, up))
            down = partial(download, port, path, {}, size_bytes)
            downs.append(measure(nginx.pid, size_bytes, down))
    finally:
        nginx.stop()
    return ups, downs


def row(name: str, found: list[Transfer]) -> str:
    """Return a line of the table: the median, and the lowest and highest MB/s."""
    rates = sorted(one.mb_per_s for one in found)
    cpu = median(one.cpu_ms_per_mb for one in found)
    return f"| {name} | {median(rates):.0f} | {rates[0]:.0f} to {rates[-1]:.0f} | {cpu:.2f} |"


def main(arguments: list[str]) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="size of the file")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    size_bytes = given.megabytes * MB
    lines = ["| what | MB/s | lowest to highest | server CPU ms/MB |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="bench-files-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if find_nginx() is None:
            print("nginx is not installed (apt-get install nginx-light): no comparison")
        else:
            ups, downs = of_nginx(folder, size_bytes, given.rounds)
            lines += [row("nginx, upload (PUT)", ups), row("nginx, download (sendfile)", downs)]
        ups, downs = of_hongyan(folder, size_bytes, given.rounds)
        lines += [row("Hongyan, upload (tus, synced)", ups), row("Hongyan, download", downs)]
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
