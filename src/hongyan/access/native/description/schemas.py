"""JSON Schemas (2020-12) of what goes over the socket."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from hongyan.access.native.mapper import SignalData
from hongyan.domain.log.model import Entry
from hongyan.kernel.docstrings import field_texts
from hongyan.wire.native.codec import WireError

from .catalogue import Method, all_structs, entry_kinds, in_codes

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def components(types: Iterable[Any], template: str) -> tuple[list[Schema], dict[str, Schema]]:
    """Return a schema for each type, and the named ones that they refer to, with texts."""
    schemas, named = msgspec.json.schema_components(list(types), ref_template=template)
    structs: dict[str, list[type[Struct]]] = {}
    for struct in all_structs():
        structs.setdefault(struct.__name__, []).append(struct)
    for name, schema in named.items():
        schema.pop("title", None)
        _drop_discriminators(schema)
        if "description" in schema:
            schema["description"] = in_codes(inspect.cleandoc(schema["description"]))
        same_named = structs.get(name, [])
        if len(same_named) == 1:
            for field, text in field_texts(same_named[0]).items():
                if field in schema.get("properties", {}):
                    schema["properties"][field]["description"] = in_codes(text)
    return list(schemas), dict(sorted(named.items()))


def _drop_discriminators(node: Any) -> None:
    """Remove what OpenAPI alone understands; the constant ``type`` of each member says as much."""
    if isinstance(node, dict):
        node.pop("discriminator", None)
        for child in node.values():
            _drop_discriminators(child)
    elif isinstance(node, list):
        for child in node:
            _drop_discriminators(child)


def envelope_schema() -> Schema:
    """Return the schema of the four messages."""
    (error, _), named = components((WireError, SignalData), "#/$defs/{name}")
    request = object_schema(
        {"id": {"type": "integer"}, "method": {"type": "string"}, "params": {"type": "object"}},
        ["id", "method"],
    )
    push = object_schema(
        {"event": {"type": "string"}, "data": {"type": "object"}}, ["event", "data"]
    )
    return {
        "$schema": DIALECT,
        "title": "The four messages that go over the socket",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("Request", "Result", "Failure", "Push")],
        "$defs": {
            "Request": request,
            "Result": result_message({}),
            "Failure": failure_message(error),
            "Push": push,
            **named,
        },
    }


def method_schema(method: Method) -> Schema:
    """Return the schema of one method's parameters and result."""
    (params, result), named = components((method.params, method.result), "#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "title": method.name,
        "description": method.text,
        "type": "object",
        "properties": {"params": params, "result": result},
        "$defs": named,
    }


def entries_schema() -> Schema:
    """Return the schema of an entry, with the body of each kind."""
    kinds = entry_kinds()
    bodies = [kind.body for kind in kinds if kind.body is not None]
    (entry, *schemas), named = components((Entry, *bodies), "#/$defs/{name}")
    with_body = dict(zip([kind.name for kind in kinds if kind.body], schemas, strict=True))
    return {
        "$schema": DIALECT,
        "title": "Entries, and the body of each kind",
        **entry,
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"properties": {"body": body}},
            }
            for name, body in with_body.items()
        ],
        "$defs": named,
    }


def object_schema(properties: Schema, required: list[str]) -> Schema:
    """Return an object's schema."""
    return {"type": "object", "properties": properties, "required": required}


def request_message(name: str, params: Schema) -> Schema:
    """Return the schema of a request."""
    return object_schema(
        {"id": {"type": "integer"}, "method": {"const": name}, "params": params}, ["id", "method"]
    )


def result_message(result: Schema) -> Schema:
    """Return the schema of a successful answer."""
    return object_schema({"id": {"type": "integer"}, "result": result}, ["id", "result"])


def failure_message(error: Schema) -> Schema:
    """Return the schema of a refusal."""
    return object_schema({"id": {"type": "integer"}, "error": error}, ["id", "error"])


def push_message(event: str, data: Schema) -> Schema:
    """Return the schema of a push."""
    return object_schema({"event": {"const": event}, "data": data}, ["event", "data"])
