"""The AsyncAPI 3.0 description of the native protocol."""

from hongyan.access.native.hello import VERSION
from hongyan.access.native.mapper import SignalData
from hongyan.domain.log.model import Entry
from hongyan.wire.native.codec import WireError

from .catalogue import Method
from .schemas import (
    Schema,
    components,
    failure_message,
    object_schema,
    push_message,
    request_message,
    result_message,
)


def asyncapi(callable_methods: list[Method]) -> Schema:
    """Return the AsyncAPI 3.0 description, seen from the server."""
    types = [part for method in callable_methods for part in (method.params, method.result)]
    template = "#/components/schemas/{name}"
    schemas, named = components([*types, WireError, Entry, SignalData], template)
    messages: dict[str, Schema] = {"failure": _message("failure", failure_message(schemas[-3]))}
    operations: dict[str, Schema] = {}
    for number, method in enumerate(callable_methods):
        params, result = schemas[2 * number : 2 * number + 2]
        asked, answered = f"{method.name}.request", f"{method.name}.result"
        messages[asked] = _message(method.name, request_message(method.name, params))
        messages[answered] = _message(f"{method.name} (result)", result_message(result))
        operations[method.name] = {
            "action": "receive",
            "channel": {"$ref": "#/channels/ws"},
            "summary": method.text.splitlines()[0] if method.text else method.name,
            "description": method.text,
            "tags": [{"name": f"access: {method.access}"}],
            "messages": [{"$ref": f"#/channels/ws/messages/{asked}"}],
            "reply": {
                "channel": {"$ref": "#/channels/ws"},
                "messages": [
                    {"$ref": f"#/channels/ws/messages/{answered}"},
                    {"$ref": "#/channels/ws/messages/failure"},
                ],
            },
        }
    for event, data in _pushes(schemas[-2], schemas[-1]).items():
        messages[f"push.{event}"] = _message(event, push_message(event, data))
        operations[f"push.{event}"] = {
            "action": "send",
            "channel": {"$ref": "#/channels/ws"},
            "summary": f"The server says: {event}",
            "messages": [{"$ref": f"#/channels/ws/messages/push.{event}"}],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hongyan's native protocol",
            "version": str(VERSION),
            "description": "See protocol/README.md for the rules that no schema can tell.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8800", "protocol": "ws"}},
        "channels": {
            "ws": {
                "address": "/ws",
                "description": "One WebSocket, subprotocol hongyan.json or hongyan.msgpack.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in sorted(messages)
                },
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": dict(sorted(operations.items())),
        "components": {"messages": dict(sorted(messages.items())), "schemas": named},
    }


def _message(title: str, payload: Schema) -> Schema:
    return {"title": title, "payload": payload}


def _pushes(entry: Schema, signal: Schema) -> dict[str, Schema]:
    return {
        "entry": entry,
        "signal": signal,
        "kicked": object_schema({"reason": {"type": "string"}}, ["reason"]),
        "sync": object_schema({}, []),
        "reconnect": object_schema({"after_ms": {"type": "integer"}}, ["after_ms"]),
    }
