"""The HTTP application, from request to answer, over the real user service."""

import asyncio
import logging

import httpx
import pytest
from tests.memory.store import MemoryStore
from tests.unit.quiet_hub import quiet_hub

from hongyan.access.admission import Admission, AdmissionOptions
from hongyan.access.http.app import HttpOptions, create_app
from hongyan.access.rate_options import RateOptions
from hongyan.domain.catalog import ROWS
from hongyan.domain.user.users import UserService
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.security.hasher import Argon2Hasher
from hongyan.infra.security.scram import ScramHasher
from hongyan.infra.security.tokens import JwtAccessTokens
from hongyan.infra.senders.mail import SmtpCodeSender
from hongyan.runtime.background import Tasks

AUTH = "/api/v1/auth"
ALICE = {"handle": "alice", "password": "correct horse"}


@pytest.fixture
def bus(clock):
    bus = LocalBus()
    store = MemoryStore(ROWS, bus.publish)
    hasher = Argon2Hasher(memory_kib=8, iterations=1, threads=1)
    keys = JwtAccessTokens([b"k" * 32])
    scram = ScramHasher(hasher.threads)
    service = UserService(
        store, store, clock, hasher, scram, keys, SmtpCodeSender(), Tasks(), "open"
    )
    for part in service.parts:
        bus.serve(part)
    yield bus
    hasher.close()


def client_of(app, address="192.0.2.1"):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://chat.example.org")


def admission_of(bus, clock, **rates):
    return Admission(bus, clock, quiet_hub(), AdmissionOptions(rates=RateOptions(**rates)))


@pytest.fixture
def admission(bus, clock):
    return admission_of(bus, clock)


@pytest.fixture
def client(admission):
    return client_of(create_app(admission))


async def test_register_log_in_refresh_log_out(client):
    registered = await client.post(f"{AUTH}/register", json=ALICE)
    assert registered.status_code == 200
    assert registered.headers["cache-control"] == "no-store"
    assert "set-cookie" not in registered.headers
    tokens = registered.json()
    assert tokens.keys() == {
        "user_id",
        "device_id",
        "access_token",
        "expires_in_s",
        "refresh_token",
    }
    body = {"identifier": "alice", "password": "correct horse", "platform": "cli"}
    second = (await client.post(f"{AUTH}/login", json=body)).json()
    assert second["user_id"] == tokens["user_id"]
    assert second["device_id"] != tokens["device_id"]
    body = {"refresh_token": second["refresh_token"]}
    refreshed = (await client.post(f"{AUTH}/refresh", json=body)).json()
    assert refreshed["device_id"] == second["device_id"]
    bearer = {"authorization": f"Bearer {refreshed['access_token']}"}
    assert (await client.post(f"{AUTH}/logout", headers=bearer)).json() == {}
    again = await client.post(f"{AUTH}/refresh", json={"refresh_token": refreshed["refresh_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("request_of", "status", "code"),
    [
        ({"json": {"identifier": "alice", "password": "wrong horse"}}, 401, "wrong_credentials"),
        ({"json": {"identifier": "alice"}}, 400, "invalid"),
        ({"json": {"identifier": 5, "password": "x"}}, 400, "invalid"),
        ({"json": {"identifier": "a", "password": "x", "admin": True}}, 400, "invalid"),
        ({"json": []}, 400, "invalid"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "invalid"),
        ({"content": b"\xff", "headers": {"content-type": "application/json"}}, 400, "invalid"),
        ({"content": b""}, 400, "invalid"),
        ({"data": {"identifier": "alice", "password": "x"}}, 415, "not_json"),
        ({"content": b"{}"}, 415, "not_json"),
    ],
)
async def test_what_is_wrong_is_a_problem(client, request_of, status, code):
    await client.post(f"{AUTH}/register", json=ALICE)
    answer = await client.post(f"{AUTH}/login", **request_of)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_paths_and_methods_that_are_not_there(client):
    answer = await client.get("/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await client.get(f"{AUTH}/login")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_bodies_are_bounded_with_and_without_a_length(admission):
    client = client_of(create_app(admission, HttpOptions(body_bytes_max=100)))

    async def endless():
        for _ in range(10_000):
            yield b" " * 50

    for content in (b" " * 101, endless()):
        headers = {"content-type": "application/json"}
        answer = await client.post(f"{AUTH}/login", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.json()["details"] == {"limit": 100}


async def test_bodies_come_in_time_or_not_at_all(admission):
    client = client_of(create_app(admission, HttpOptions(body_timeout_s=0.01)))

    async def stuck():
        yield b"{"
        await asyncio.Event().wait()

    headers = {"content-type": "application/json"}
    answer = await client.post(f"{AUTH}/login", content=stuck(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")


async def test_one_address_is_limited_and_told_so(bus, clock):
    app = create_app(admission_of(bus, clock, address_per_s=0.1, address_burst=3))
    client, body = client_of(app), {"refresh_token": "x"}
    left = []
    for path in ("login", "refresh", "refresh"):
        answer = await client.post(f"{AUTH}/{path}", json=body)
        assert answer.status_code in {400, 401}
        assert answer.headers["ratelimit-policy"] == '"auth";q=3;w=30'
        left.append(answer.headers["ratelimit"].split(";")[1])
    assert left == ["r=2", "r=1", "r=0"]
    answer = await client.post(f"{AUTH}/register", json=ALICE)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 10
    assert answer.headers["ratelimit"].startswith('"auth";r=0;t=')
    other = client_of(app, "192.0.2.2")
    assert (await other.post(f"{AUTH}/register", json=ALICE)).status_code == 200


async def test_guessing_is_slowed_by_address_over_http_too(bus, clock):
    app = create_app(admission_of(bus, clock, address_per_s=0))
    client = client_of(app)
    for i in range(30):
        body = {"identifier": f"nobody{i}", "password": "wrong horse"}
        assert (await client.post(f"{AUTH}/login", json=body)).status_code == 401
    body = {"identifier": "nobody", "password": "wrong horse"}
    assert (await client.post(f"{AUTH}/login", json=body)).status_code == 429
    assert (await client_of(app, "192.0.2.2").post(f"{AUTH}/login", json=body)).status_code == 401


async def test_health(admission, clock):
    ready = True
    client = client_of(create_app(admission, is_ready=lambda: ready))
    for path in ("/healthz", "/readyz"):
        assert (await client.get(path)).json() == {"status": "ok", "time_ms": clock.now_ms()}
    ready = False
    assert (await client.get("/healthz")).status_code == 200
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_protocols_documents_are_offered_and_nothing_beside_them(admission, tmp_path):
    folder = tmp_path / "protocol"
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas" / "user.me.json").write_text("{}")
    (tmp_path / "secret").write_text("secret")
    client = client_of(create_app(admission, HttpOptions(protocol_dir=folder)))
    answer = await client.get("/protocol/schemas/user.me.json")
    assert (answer.status_code, answer.text) == (200, "{}")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for path in ("/protocol/../secret", "/protocol/%2e%2e/secret", "/protocol/none"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_every_answer_has_the_security_headers(client):
    for path in ("/healthz", "/nothing"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://a.example.org", True),
        ("https://a.b.example.org", True),
        ("https://example.org", False),
        ("https://example.org.evil.net", False),
        ("https://evil-example.org", False),
        ("http://a.example.org", False),
    ],
)
async def test_a_star_stands_for_all_subdomains(admission, origin, is_allowed):
    options = HttpOptions(allowed_origins=("https://*.example.org",))
    answer = await client_of(create_app(admission, options)).get(
        "/healthz", headers={"origin": origin}
    )
    assert ("access-control-allow-origin" in answer.headers) == is_allowed


async def test_other_origins_are_allowed_by_name_only(admission):
    allowed = "https://app.example.org"
    client = client_of(create_app(admission, HttpOptions(allowed_origins=(allowed,))))
    asked = {
        "origin": allowed,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    answer = await client.options(f"{AUTH}/login", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == allowed
    assert "access-control-allow-credentials" not in answer.headers
    answer = await client.post(f"{AUTH}/login", json={}, headers={"origin": allowed})
    assert answer.headers["access-control-allow-origin"] == allowed
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    answer = await client.options(f"{AUTH}/login", headers=asked | {"origin": "https://evil.org"})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_defect_of_ours_tells_nothing_but_is_logged(admission, bus, monkeypatch, caplog):
    async def fail(*_):
        raise RuntimeError("our secret")

    monkeypatch.setattr(bus, "call", fail)
    client = client_of(create_app(admission))
    for path in ("register", "logout"):
        headers = {"authorization": "Bearer x"}
        with caplog.at_level(logging.ERROR):
            answer = await client.post(f"{AUTH}/{path}", json=ALICE, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "secret" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "our secret" in caplog.text
        caplog.clear()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer"},
    ],
)
async def test_without_a_token_nobody_logs_out(client, headers):
    answer = await client.post(f"{AUTH}/logout", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
