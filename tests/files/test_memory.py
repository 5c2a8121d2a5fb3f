"""A file of two gigabytes passes through in both directions, and the server stays small."""

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.live_server import LiveServer

from .people import Person

SIZE = 2 * 1024**3
BLOCK = bytes(range(256)) * 4096
GROWTH_MAX = 50 * 1024 * 1024


class Watch:
    """Notes the most memory that a process has while the block runs."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.before = self._process.memory_info().rss
        self.most = self.before
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, self._process.memory_info().rss)

    @property
    def growth(self) -> int:
        return self.most - self.before


@pytest.mark.timeout(300)
def test_two_gigabytes_up_and_down(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data")
    server.start()
    try:
        alice = Person(server.url, "alice")
        alice.fetch(alice.send_file(b"warm up"))
        digest = hashlib.sha256()

        def stream() -> Iterator[bytes]:
            for number in range(SIZE // len(BLOCK)):
                block = number.to_bytes(8, "big") + BLOCK[8:]
                digest.update(block)
                yield block

        alice.http.timeout = 120
        place = alice.begin(SIZE, "big.bin").headers["location"]
        with Watch(server.pid) as up:
            started = time.monotonic()
            answer = alice.append(place, 0, stream())
            up_s = time.monotonic() - started
        assert answer.status_code == 204, answer.text
        media_id = answer.headers["upload-media-id"]
        fetched = hashlib.sha256()
        with Watch(server.pid) as down:
            started = time.monotonic()
            with alice.http.stream("GET", f"/api/v1/media/{media_id}") as download:
                for block in download.iter_raw(1024 * 1024):
                    fetched.update(block)
            down_s = time.monotonic() - started
        print(f"up {up_s:.1f} s, {up.growth >> 20} MiB more")
        print(f"down {down_s:.1f} s, {down.growth >> 20} MiB more")
        assert fetched.digest() == digest.digest()
        assert up.growth < GROWTH_MAX
        assert down.growth < GROWTH_MAX
    finally:
        server.stop()
