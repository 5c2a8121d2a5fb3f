"""Every refusal has a status, and says the same over HTTP as elsewhere."""

import importlib
import json
import pkgutil

import msgspec
import pytest

import hongyan.domain
from hongyan.access.http.errors import BodyTooLarge, problem, status_of
from hongyan.domain.user.commands import (
    HandleTaken,
    MailNotConfigured,
    TokenReused,
    WeakPassword,
    WrongCredentials,
)
from hongyan.kernel.errors import (
    Busy,
    Invalid,
    LimitReached,
    RateLimited,
    Refusal,
    StorageFull,
    Unavailable,
)


def all_refusals():
    for module in pkgutil.walk_packages(hongyan.domain.__path__, "hongyan.domain."):
        importlib.import_module(module.name)
    found, waiting = [], [Refusal]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        found += [kind for kind in kinds if kind.__module__.startswith("hongyan.")]
        waiting += kinds
    return found


def test_every_refusal_has_a_status():
    refusals = all_refusals()
    assert len(refusals) > 30
    unmapped = []
    for kind in refusals:
        try:
            assert 400 <= status_of(kind) < 600
        except LookupError:
            unmapped.append(kind.code)
    assert unmapped == []


def test_a_refusal_of_no_known_sort_is_noticed():
    class Odd(Refusal):
        code = "odd"
        message = "Odd."

    with pytest.raises(LookupError):
        status_of(Odd)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid(), 400),
        (WeakPassword(), 400),
        (WrongCredentials(), 401),
        (TokenReused(), 401),
        (HandleTaken(), 409),
        (LimitReached(), 422),
        (BodyTooLarge(), 413),
        (RateLimited(), 429),
        (MailNotConfigured(), 501),
        (Busy(), 503),
        (Unavailable(), 503),
        (StorageFull(), 507),
        (msgspec.ValidationError("wrong type"), 400),
        (RuntimeError("our secret"), 500),
    ],
)
def test_statuses(error, status):
    response = problem(error)
    assert response.status_code == status
    assert b"secret" not in response.body


def test_a_problem_says_everything():
    response = problem(RateLimited("Wait a bit.", retry_after_ms=1_500, limit=5))
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "2"
    assert json.loads(response.body) == {
        "type": "/protocol/errors.md#rate_limited",
        "title": RateLimited.message,
        "status": 429,
        "detail": "Wait a bit.",
        "code": "rate_limited",
        "retryable": True,
        "details": {"retry_after_ms": 1_500, "limit": 5},
    }


def test_headers_that_go_with_a_status():
    assert problem(Busy()).headers["retry-after"] == "1"
    assert "retry-after" not in problem(Invalid()).headers
    assert problem(WrongCredentials()).headers["www-authenticate"].startswith("Bearer")
