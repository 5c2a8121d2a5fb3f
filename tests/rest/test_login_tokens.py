"""Widgets: logged in by a token that an app server minted, and kept to a conversation."""

import httpx
import pytest

from hongyan.kernel.ids import is_widget
from tests.rest.test_app_servers import hongyan

pytestmark = pytest.mark.xdist_group("rest")
SCOPES = (
    "users:write",
    "tokens:mint",
    "conversations:write",
    "conversations:read",
    "messages:send",
)


@pytest.fixture(scope="module")
def shop(served):
    """A shop's server, with a customer, another one and a seller, and an order."""
    options = [part for scope in SCOPES for part in ("--scope", scope)]
    key = hongyan(served.folder, "key", "create", "widgets", *options)
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, timeout=60) as client:
        for who in ("w-customer", "w-other", "w-seller"):
            assert client.put(f"/app/users/{who}", json={"name": who}).status_code == 200
        order = {"external_id": "w-order", "owner": "w-seller", "members": ["w-customer"]}
        made = client.post("/app/conversations", json=order | {"name": "Order"})
        assert made.status_code == 200, made.text
        yield client


@pytest.fixture
def page(served):
    """A customer's page, which has no key."""
    with httpx.Client(base_url=f"{served.url}/api/v1", timeout=60) as client:
        yield client


def _mint(shop, who="w-customer", **params):
    minted = shop.post(f"/app/users/{who}/login-tokens", json=params)
    assert minted.status_code == 200, minted.text
    return minted.json()


def _log_in(page, token):
    return page.post("/auth/login-token", json={"login_token": token, "device_name": "a page"})


def _widget(shop, page, who="w-customer", **params):
    token = _mint(shop, who, **params)["login_token"]
    logged_in = _log_in(page, token)
    assert logged_in.status_code == 200, logged_in.text
    page.headers["authorization"] = f"Bearer {logged_in.json()['access_token']}"
    return token


def test_a_login_token_logs_in_whom_the_host_named_and_once(shop, page):
    minted = _mint(shop, expires_in_s=60)
    assert minted["expires_in_s"] == 60
    first = _log_in(page, minted["login_token"])
    assert first.status_code == 200, first.text
    assert first.json()["user_id"] == minted["user_id"]
    assert is_widget(first.json()["device_id"])
    second = _log_in(page, minted["login_token"])
    assert (second.status_code, second.json()["code"]) == (401, "login_token_invalid")
    refreshed = page.post("/auth/refresh", json={"refresh_token": first.json()["refresh_token"]})
    assert refreshed.json()["device_id"] == first.json()["device_id"]


def test_a_login_token_is_nothing_else_and_nothing_else_is_one(shop, page):
    token = _mint(shop)["login_token"]
    used = page.get("/me", headers={"authorization": f"Bearer {token}"})
    assert used.status_code == 401
    tokens = _log_in(page, token).json()
    for other in (tokens["access_token"], tokens["refresh_token"], token[:-2], ""):
        assert _log_in(page, other).json()["code"] == "login_token_invalid"


def test_who_may_mint_and_what_may_be_asked(shop, served):
    options = ("--scope", "users:write")
    key = hongyan(served.folder, "key", "create", "writer", *options)
    path = "/app/users/w-customer/login-tokens"
    other = shop.post(path, json={}, headers={"authorization": f"Bearer {key}"})
    assert other.json()["details"] == {"needs": "tokens:mint"}
    for wrong, code in (
        ({"expires_in_s": 9}, "invalid"),
        ({"expires_in_s": 601}, "invalid"),
        ({"peer": "nobody"}, "no_such_external_user"),
    ):
        assert shop.post(path, json=wrong).json()["code"] == code
    nobody = shop.post("/app/users/nobody/login-tokens", json={})
    assert nobody.json()["code"] == "no_such_external_user"


def test_a_widget_does_what_a_conversation_needs_and_no_more(shop, page):
    _widget(shop, page)
    opened = page.post("/widget/open", json={"external_id": "w-order"})
    assert opened.status_code == 200, opened.text
    conversation = opened.json()["conversation_id"]
    said = page.post(
        f"/conversations/{conversation}/messages",
        json={"client_id": "w-1", "content": {"type": "text", "text": "hello"}},
    )
    assert said.status_code == 200, said.text
    for verb, path, body in (
        ("POST", "/me/deactivate", {"password": "x"}),
        ("PATCH", "/me", {"name": "x"}),
        ("POST", "/groups", {"client_id": "w-2", "name": "x"}),
        ("GET", "/users/search?query=w-other", None),
        ("GET", "/me/devices", None),
        ("POST", "/conversations/direct", {"user_id": "x"}),
        ("POST", f"/conversations/{conversation}/forward", {}),
    ):
        refused = page.request(verb, path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_for_widgets"), path
    assert page.post("/auth/logout", json={}).status_code == 200
    assert page.get("/me").status_code == 401


def test_a_widget_finds_its_own_orders_only(shop, page):
    _widget(shop, page, "w-other")
    for external_id in ("w-order", "no-such-order"):
        opened = page.post("/widget/open", json={"external_id": external_id})
        assert (opened.status_code, opened.json()["code"]) == (404, "no_such_conversation")
    shop.post("/app/conversations/w-order/members", json={"members": ["w-other"]})
    opened = page.post("/widget/open", json={"external_id": "w-order"})
    assert opened.status_code == 200
    shop.post("/app/conversations/w-order/members/remove", json={"members": ["w-other"]})
    opened = page.post("/widget/open", json={"external_id": "w-order"})
    assert opened.json()["code"] == "no_such_conversation"


def test_a_widget_begins_to_talk_with_whom_the_host_vouches_for(shop, page):
    vouched = _widget(shop, page, peer="w-seller")
    opened = page.post("/widget/open", json={"login_token": vouched})
    assert (opened.status_code, opened.json()["kind"]) == (200, "direct"), opened.text
    plain = _mint(shop)["login_token"]
    assert page.post("/widget/open", json={"login_token": plain}).json()["code"] == "invalid"
    others = _mint(shop, "w-other", peer="w-seller")["login_token"]
    refused = page.post("/widget/open", json={"login_token": others})
    assert refused.json()["code"] == "login_token_invalid"
    both = {"login_token": vouched, "external_id": "w-order"}
    assert page.post("/widget/open", json=both).json()["code"] == "invalid"
    assert page.post("/widget/open", json={}).json()["code"] == "invalid"


def test_a_widget_writes_to_a_handle_that_lets_itself_be_found(shop, page):
    shop.put("/app/users/w-staff", json={"name": "Staff", "handle": "w_staff"})
    _widget(shop, page)
    opened = page.post("/widget/open", json={"handle": "@w_staff"})
    assert opened.json()["kind"] == "direct", opened.text
    assert page.post("/widget/open", json={"handle": "@w_nobody"}).status_code == 404
