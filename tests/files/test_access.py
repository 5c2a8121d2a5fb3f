"""Who may send and fetch how often: rates, and what keys may do with files."""

from pathlib import Path

import httpx

from tests.e2e.live_server import LiveServer
from tests.files.people import Person


def test_requests_for_files_are_counted_with_all_others(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", "rates.user_per_s=0.01", "rates.user_burst=8")
    server.start()
    try:
        alice = Person(server.url, "alice")
        media_id = alice.send_file(b"two requests")
        ticket = alice.ask("POST", f"/media/{media_id}/tickets")["url"]
        asked = [alice.fetch(media_id).status_code, httpx.get(server.url + ticket).status_code]
        asked += [alice.begin(10).status_code for _ in range(3)]
        assert asked == [200, 200, 201, 201, 201]
        for refused in (alice.begin(10), alice.fetch(media_id), httpx.get(server.url + ticket)):
            assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
            assert int(refused.headers["retry-after"]) > 1
        assert alice.ask("GET", "/me")["code"] == "rate_limited"
    finally:
        server.stop()
