"""The operations that are streams, described by hand: no command stands behind them alone."""

from typing import Any

from hongyan.domain.integration.commands_app import UpsertUser
from hongyan.kernel.errors import (
    Busy,
    Forbidden,
    Invalid,
    LimitReached,
    RateLimited,
    Unauthenticated,
)

from .errors import BodyTooLarge, BodyTooSlow, NotJson
from .importing import NDJSON, ImportReport
from .routes import PREFIX
from .sync_stream import Polled, PollRequest

Schema = dict[str, Any]
EXTRA: list[tuple[str, Any]] = [
    ("poll", PollRequest),
    ("polled", Polled),
    ("upsert", UpsertUser),
    ("report", ImportReport),
]
BEARER: list[Schema] = [{"accessToken": []}, {"apiKey": []}]
ASKED = {Invalid, Unauthenticated, Forbidden, RateLimited, Busy, LimitReached}

STREAM = """\
Events: `ready` (events come from now on), `entry`, `signal`, `resync` (too much happened since, or
the server was restored from a backup: sync anew) and `end`. Begin with `ready`, then
`conversation.sync`. A stream that is resumed with Last-Event-ID goes on exactly there: no entry is
left out or told twice; comments keep it alive. A device has one connection: the newest.
"""
POLL = """\
Answers at once where there is news, else when there is, or empty when the time is up. Ask again
with what you have then. A device has one connection: the newest.
"""
IMPORT = """\
One user a line, as in `app.user_upsert` with its `external_id`; a report comes for each line, in
order, then a summary with `done`. At most 100,000 lines of 16 KiB. After a break, send the rest
(`first_line` continues the numbering) or everything again: an upsert may be repeated.
"""
LINES = """\
{"external_id": "customer-7", "name": "Wang Wei"}
{"external_id": "customer-8", "name": "Li Na", "locale": "zh-CN"}
"""


def _parameter(name: str, location: str, schema: Schema, about: str) -> Schema:
    return {
        "name": name,
        "in": location,
        "required": False,
        "schema": schema,
        "description": about,
    }


def streams(schemas: Schema) -> list[tuple[str, str, Schema]]:
    """Return (path, verb, operation), given the schemas of ``EXTRA``."""
    return [
        (f"{PREFIX}/sync/stream", "get", _stream()),
        (f"{PREFIX}/sync/poll", "post", _poll(schemas)),
        (f"{PREFIX}/app/users", "post", _import(schemas)),
    ]


def _stream() -> Schema:
    location = {"type": "string", "pattern": r"^[0-9a-z]{1,32}(\.[0-9a-f]{1,16}){0,257}$"}
    about = "The id of the last event that was received."
    return {
        "operationId": "sync.stream",
        "tags": ["sync"],
        "summary": "Hear what happens, as Server-Sent Events.",
        "description": STREAM,
        "parameters": [
            _parameter("Last-Event-ID", "header", location, about),
            _parameter("last_event_id", "query", location, about + " For the first connection."),
        ],
        "responses": {
            "200": {
                "description": "A stream without end.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
        "refusals": ASKED,
        "security": BEARER,
        "x-scope": "messages:read",
    }


def _poll(schemas: Schema) -> Schema:
    asked = {"schema": schemas["poll"], "example": {"user_seq": 1, "known": {}, "timeout_s": 0}}
    content = {"application/json": {"schema": schemas["polled"]}}
    return {
        "operationId": "sync.poll",
        "tags": ["sync"],
        "summary": "Wait for news, and get it as a sync.",
        "description": POLL,
        "parameters": [],
        "requestBody": {"required": False, "content": {"application/json": asked}},
        "responses": {"200": {"description": "Done.", "content": content}},
        "refusals": ASKED | {BodyTooLarge, BodyTooSlow, NotJson},
        "security": BEARER,
        "x-scope": "messages:read",
    }


def _import(schemas: Schema) -> Schema:
    lines = {"schema": {"type": "string"}, "example": LINES, "x-line": schemas["upsert"]}
    reports = {"schema": {"type": "string"}, "x-line": schemas["report"]}
    number = {"type": "integer", "minimum": 1, "maximum": 2**53, "default": 1}
    return {
        "operationId": "app.users_import",
        "tags": ["app"],
        "summary": "Import or update many users, as a stream of JSON lines.",
        "description": IMPORT,
        "parameters": [
            _parameter("first_line", "query", number, "The number of the first line here.")
        ],
        "requestBody": {"required": True, "content": {NDJSON: lines}},
        "responses": {"200": {"description": "A report a line.", "content": {NDJSON: reports}}},
        "refusals": ASKED | {NotJson},
        "security": BEARER,
        "x-scope": "users:write",
    }
