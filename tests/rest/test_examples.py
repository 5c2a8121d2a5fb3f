"""Every example in the OpenAPI document does what it shows, against a running server."""

import hashlib
import json
import time
from pathlib import Path

import httpx
import pytest

from hongyan.access.http import examples
from hongyan.access.http.examples import EXAMPLES
from hongyan.access.http.routes import ROUTES

pytestmark = pytest.mark.xdist_group("rest")
DOCUMENT = json.loads((Path(__file__).parents[2] / "protocol" / "openapi.json").read_text())
CALLERS = {
    "group.leave": examples.BOB,
    "group.join": examples.CAROL,
    "group.link_join": examples.CAROL,
}


def _upload(harness):
    """Have a file on the server, as far as it takes files."""
    headers = {
        "authorization": f"Bearer {harness.tokens[examples.ALICE]}",
        "tus-resumable": "1.0.0",
    }
    made = harness.client.post(
        "/api/v1/uploads", headers={**headers, "upload-length": "5", "upload-metadata": "name aGk="}
    )
    headers["content-type"] = "application/offset+octet-stream"
    url = made.headers["location"]
    done = harness.client.patch(url, content=b"hello", headers={**headers, "upload-offset": "0"})
    assert done.status_code == 204, done.text
    answer = done.headers
    harness.real[examples.MEDIA] = answer.get("hongyan-media-id") or answer["upload-media-id"]


def _dead_letter(harness, hook):
    deadline = time.monotonic() + 20
    harness.call("message.send", {**EXAMPLES["message.send"], "client_id": "dead"})
    while time.monotonic() < deadline:
        found = harness.call("webhook.dead_letters", {"webhook_id": examples.WEBHOOK})
        if found["dead_letters"]:
            hook.opens = True
            return found["dead_letters"][0]["first"]
        time.sleep(0.02)
    raise AssertionError("no dead letter came")


_BREAKS = """
    conversation.clear conversation.hide_messages group.answer_request group.ban group.dissolve
    group.join group.kick group.leave group.link_join group.link_revoke group.transfer
    key.revoke media.claim message.recall message.schedule message.unschedule poll.close
    relation.answer relation.block relation.delete user.change_password user.deactivate
    user.deactivate_me user.delete_me user.invite_revoke user.kick user.kick_device
    user.kick_other_devices user.log_out user.refresh user.reset_password webhook.delete
    webhook.redeliver
"""
BREAKS = tuple(_BREAKS.split())
"""Examples after which the world is another."""


@pytest.mark.parametrize("method", sorted(ROUTES.keys() - set(BREAKS)))
def test_example(harness, method):
    _try(harness, method)


@pytest.mark.parametrize("method", BREAKS)
def test_example_that_breaks_something(fresh_harness, hook, method):
    _try(fresh_harness, method, hook)


def _try(harness, method, hook=None):
    params = dict(EXAMPLES[method])
    if method.startswith("media."):
        _upload(harness)
    if method == "webhook.redeliver":
        params["first"] = _dead_letter(harness, hook)
    if method == "media.claim":
        params["sha256"] = hashlib.sha256(b"hello").hexdigest()
    if method == "presence.watch":
        headers = {"authorization": f"Bearer {harness.tokens[examples.ALICE]}"}
        url = f"{harness.url}/api/v1/sync/stream"
        with httpx.stream("GET", url, headers=headers) as stream:
            lines = stream.iter_lines()  # what is forgotten closes the stream
            next(lines)
            answer = harness.request(method, params)
    else:
        answer = harness.request(method, params, CALLERS.get(method, ""))
    if method.startswith("media.direct_"):  # this server has no bucket
        assert (answer.status_code, answer.json()["code"]) == (409, "direct_off")
        return
    if method == "admin.retry_passed":  # no reader of this server passed over anything
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_reader")
        return
    assert answer.status_code == 200, answer.text


def test_every_command_has_a_route_and_an_example():
    from hongyan.domain.catalog import COMMANDS
    from hongyan.kernel.bus import Access

    public = {name for name, of in COMMANDS.items() if of.ACCESS != Access.INTERNAL}
    assert public - ROUTES.keys() == set()
    assert ROUTES.keys() - public == set()
    assert ROUTES.keys() == EXAMPLES.keys()


def test_the_document_shows_the_examples():
    shown = {
        operation["operationId"]: operation
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    }
    assert ROUTES.keys() <= shown.keys()
    for method, example in EXAMPLES.items():
        operation = shown[method]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        told = dict(content.get("example", {}))
        told |= {one["name"]: one["example"] for one in operation["parameters"] if "example" in one}
        assert told == example, method
