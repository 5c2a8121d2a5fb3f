"""Which pages of other sites may connect, call, upload and show files."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from tests.e2e.live_server import LiveServer

pytestmark = pytest.mark.xdist_group("rest")
SHOP = "https://shop.example.org"
BRANCH = "https://north.shops.example.org"
STRANGER = "https://evil.example.org"
LOOKALIKE = "https://shop.example.org.evil.example"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("origins") / "data"
    allowed = f"widget.allowed_origins={SHOP},https://*.shops.example.org"
    live = LiveServer(folder, allowed)
    live.start()
    yield live.url
    live.stop()


def _preflight(url: str, path: str, origin: str, verb: str = "POST") -> httpx.Response:
    asked = "authorization,content-type,tus-resumable,upload-length"
    return httpx.options(
        url + path,
        headers={
            "origin": origin,
            "access-control-request-method": verb,
            "access-control-request-headers": asked,
        },
    )


@pytest.mark.parametrize(
    ("path", "verb"),
    [
        ("/api/v1/auth/login-token", "POST"),
        ("/api/v1/auth/refresh", "POST"),
        ("/api/v1/uploads", "POST"),
        ("/api/v1/uploads/u", "PATCH"),
        ("/api/v1/me", "GET"),
    ],
)
def test_only_allowed_origins_may_call_and_upload(url: str, path: str, verb: str) -> None:
    for origin in (SHOP, BRANCH):
        allowed = _preflight(url, path, origin, verb)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in allowed.headers
    for origin in (STRANGER, LOOKALIKE, "null", "http://shop.example.org"):
        refused = _preflight(url, path, origin, verb)
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers


async def _connects(url: str, origin: str) -> bool:
    try:
        async with websockets.connect(
            f"{url.replace('http', 'ws', 1)}/ws",
            additional_headers={"origin": origin},
            subprotocols=[websockets.Subprotocol("hongyan.json")],
        ):
            return True
    except websockets.InvalidStatus as refusal:
        return refusal.response.status_code != 403


def test_only_allowed_origins_may_connect(url: str) -> None:
    async def work() -> None:
        assert await _connects(url, SHOP)
        assert await _connects(url, BRANCH)
        assert not await _connects(url, STRANGER)
        assert not await _connects(url, LOOKALIKE)

    asyncio.run(work())


def test_answers_to_strangers_cannot_be_read(url: str) -> None:
    answer = httpx.get(f"{url}/healthz", headers={"origin": STRANGER})
    assert "access-control-allow-origin" not in answer.headers
    assert httpx.get(f"{url}/healthz", headers={"origin": SHOP}).headers[
        "access-control-allow-origin"
    ] == (SHOP)


def test_a_setting_names_every_origin_that_is_allowed() -> None:
    settings = Path(__file__).parents[2] / "docs" / "operate" / "settings.md"
    assert "widget.allowed_origins" in settings.read_text(encoding="utf-8")
