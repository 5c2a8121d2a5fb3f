"""Access tokens: signed by the first key, read by any, and nobody else's."""

import base64
import json

import jwt
import pytest

from hongyan.domain.user.ports import Claims
from hongyan.infra.security.tokens import JwtAccessTokens

KEY, OTHER = b"k" * 32, b"o" * 32
CLAIMS = Claims("u1", "v1", True, 1_000, 1_900, "t1")


def test_what_is_issued_is_read():
    tokens = JwtAccessTokens([KEY])
    token = tokens.issue(CLAIMS)
    assert tokens.read(token) == CLAIMS
    assert jwt.decode(token, KEY, ["HS256"], {"verify_exp": False}) == {
        "sub": "u1",
        "did": "v1",
        "adm": True,
        "iat": 1_000,
        "exp": 1_900,
        "jti": "t1",
    }


def test_keys_rotate():
    old = JwtAccessTokens([KEY])
    both = JwtAccessTokens([OTHER, KEY])
    new = JwtAccessTokens([OTHER])
    assert both.read(old.issue(CLAIMS)) == CLAIMS
    assert new.read(both.issue(CLAIMS)) == CLAIMS
    assert new.read(old.issue(CLAIMS)) is None


def test_short_keys_are_refused():
    for keys in ([], [b"short"], [KEY, b"short"]):
        with pytest.raises(ValueError, match="32 bytes"):
            JwtAccessTokens(keys)


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_forged_tokens_are_nobodys():
    tokens = JwtAccessTokens([KEY])
    good = tokens.issue(CLAIMS)
    head, body, signature = good.split(".")
    payload = {"sub": "u1", "did": "v1", "adm": True, "iat": 1, "exp": 2**40, "jti": "t"}
    forged = [
        "",
        "nonsense",
        "a.b.c",
        f"{head}.{body}.",
        f"{head}.{_part(payload)}.{signature}",
        f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(payload)}.",
        jwt.encode(payload, b"x" * 64, "HS512"),
        jwt.encode(payload, KEY + KEY, "HS384"),
        jwt.encode({"sub": "u1"}, KEY, "HS256"),
        jwt.encode(payload | {"did": 5}, KEY, "HS256"),
        jwt.encode(payload | {"exp": "soon"}, KEY, "HS256"),
        good + "x" * 4_000,
        "\u00e9\u00e9.\u00e9.\u00e9",
    ]
    assert [token for token in forged if tokens.read(token) is not None] == []


def test_only_true_makes_an_administrator():
    tokens = JwtAccessTokens([KEY])
    payload = {"sub": "u1", "did": "v1", "adm": "yes", "iat": 1, "exp": 2, "jti": "t"}
    claims = tokens.read(jwt.encode(payload, KEY, "HS256"))
    assert claims is not None
    assert claims.admin is False
