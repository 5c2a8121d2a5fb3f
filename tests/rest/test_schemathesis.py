"""schemathesis over the whole OpenAPI document: whatever fits it is answered as it says.

Requests are made of the schemas, with the ids of a real world half of the time. Left out: the
check that what fits the schema is accepted (rules of the business refuse with 4xx what no schema
can tell), and the stream without end, which ``test_streams`` tries.
"""

import json
import os
import random
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from hongyan.access.http import examples
from hongyan.access.http.routes import ROUTES
from tests.rest.harness import Harness

pytestmark = pytest.mark.xdist_group("rest")
DOCUMENT = json.loads((Path(__file__).parents[2] / "protocol" / "openapi.json").read_text())
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "12"))
LINES = "application/x-ndjson"

load_all_checks()
LEFT_OUT = {"positive_data_acceptance", "use_after_free", "ensure_resource_availability"}
ALL = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]
whole = schemathesis.openapi.from_dict(DOCUMENT)
# An unknown header is nobody's mistake; unknown parameters and fields have tests of their own.
whole.config.generation.allow_extra_parameters = False
api = whole.exclude(operation_id="sync.stream")


@schemathesis.serializer(LINES)
def lines(_context, value):
    """Return the bytes of a body of lines."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@api.auth(refresh_interval=None)
class _Token:
    def get(self, _case, _context):
        return "?"  # cases are made before there is a world

    def set(self, case, token, _context):
        case.headers["authorization"] = f"Bearer {token}"


class Asker:
    """Sends the cases of one operation into a world of its own."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.random = random.Random(1)
        self.known = {
            "conversation_id": [harness.real[examples.GROUP], harness.real[examples.CHAT]],
            "user_id": [harness.real[examples.BOB], harness.real[examples.CAROL]],
            "seq": ["3", "4"],
            "webhook_id": [harness.real[examples.WEBHOOK]],
            "key_id": [harness.real[examples.KEY]],
            "token": [harness.real[examples.LINK]],
            "device_id": [harness.real[examples.PHONE]],
            "external_id": ["customer-7", "order-1001"],
        }

    def place(self, case) -> None:
        """Let half of the cases be about something that exists."""
        if not case.meta.generation.mode.is_positive:
            return
        for name in case.path_parameters or {}:
            if name in self.known and self.random.random() < 0.5:
                case.path_parameters[name] = self.random.choice(self.known[name])


@pytest.fixture
def asker(fresh_harness):
    return Asker(fresh_harness)


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_api(case, asker):
    asker.place(case)
    if case.headers.get("authorization") == "Bearer ?":
        case.headers["authorization"] = f"Bearer {asker.harness.tokens[examples.ALICE]}"
    checks = ALL
    if case.media_type == LINES:  # a wrong line is reported in its line of the answer
        checks = [check for check in ALL if check.__name__ != "negative_data_rejection"]
    case.call_and_validate(base_url=asker.harness.url, checks=checks, timeout=70)


def test_the_whole_document_is_tried():
    found = {one.ok().definition.raw["operationId"] for one in api.get_all_operations()}
    assert found >= ROUTES.keys() | {"sync.poll", "app.users_import"}
