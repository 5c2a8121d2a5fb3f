"""The native protocol, described from the types that carry it.

Nothing here is written twice: schemas follow from the structs, sentences from the docstrings.
``tools/generate_protocol.py`` writes the result to ``protocol/``, and the server offers the
same documents at ``/protocol/``.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from hongyan.domain.catalog import APIS, MODELS
from hongyan.domain.log.model import Entry
from hongyan.kernel.bus import Access, Command
from hongyan.kernel.docstrings import constant_texts, field_texts
from hongyan.kernel.errors import Refusal
from hongyan.wire.native.codec import WireError

from .mapper import SignalData
from .session import VERSION, Hello, Pong, Welcome

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


class Method(Struct, frozen=True):
    """One method as a client sees it."""

    name: str
    access: str
    params: type[Any]
    result: Any
    text: str


class Ping(Struct, frozen=True):
    """No parameters."""


class EntryKind(Struct, frozen=True):
    """One kind of entry or signal: its name, what it tells, and its body where it has one."""

    name: str
    text: str
    body: type[Struct] | None


def methods(commands: Mapping[str, type[Command[Any]]]) -> list[Method]:
    """Return what a client may call: hello and ping first, then the commands by name."""
    found = [
        Method("hello", Access.ANYONE, Hello, Welcome, _text(Hello)),
        Method("ping", Access.ANYONE, Ping, Pong, "Ask whether the other side is there."),
    ]
    found += [
        Method(name, command.ACCESS, command, command.result_type(), _text(command))
        for name, command in sorted(commands.items())
        if command.ACCESS != Access.INTERNAL
    ]
    return found


def entry_kinds() -> list[EntryKind]:
    """Return the kinds that the models declare, by name."""
    found = []
    bodies = {kind.__name__: kind for kind in _structs(Struct) if ".domain." in kind.__module__}
    for module in MODELS:
        texts = constant_texts(module)
        for constant, value in vars(module).items():
            declared = constant.isupper() and isinstance(value, str)
            if declared and re.fullmatch(r"[a-z]+(\.[a-z_]+)*", value):
                text = texts.get(constant, "")
                named = re.search(r"[Bb]ody[^`.]*: ``(\w+)``", text)
                body = bodies.get(named[1]) if named else None
                found.append(EntryKind(value, text, body))
    return sorted(found, key=lambda kind: kind.name)


def refusals() -> list[type[Refusal]]:
    """Return every refusal of the kernel and the services, by code."""

    def narrower(kind: type[Refusal]) -> Iterator[type[Refusal]]:
        for found in kind.__subclasses__():
            yield found
            yield from narrower(found)

    modules = {"hongyan.kernel.errors", *(api.__name__ for api in APIS)}
    return sorted(
        {kind for kind in narrower(Refusal) if kind.__module__ in modules},
        key=lambda kind: kind.code,
    )


def documents(commands: Mapping[str, type[Command[Any]]]) -> dict[str, str]:
    """Return all documents by their path below ``protocol/``, each ending in a newline."""
    callable_methods = methods(commands)
    found = {
        "schemas/envelope.json": _json(_envelope_schema()),
        "schemas/entries.json": _json(_entries_schema()),
        "asyncapi.json": _json(asyncapi(callable_methods)),
        "entries.md": _entries_page(),
        "errors.md": _errors_page(),
        "methods.md": _methods_page(callable_methods),
    }
    for method in callable_methods:
        found[f"schemas/{method.name}.json"] = _json(_method_schema(method))
    return dict(sorted(found.items()))


# --- schemas ---


def _components(types: Iterable[Any], template: str) -> tuple[list[Schema], dict[str, Schema]]:
    """Return a schema for each type, and the named ones that they refer to, with texts."""
    schemas, named = msgspec.json.schema_components(list(types), ref_template=template)
    structs: dict[str, list[type[Struct]]] = {}
    for struct in _structs(Struct):
        structs.setdefault(struct.__name__, []).append(struct)
    for name, schema in named.items():
        schema.pop("title", None)
        if "description" in schema:
            schema["description"] = _in_codes(inspect.cleandoc(schema["description"]))
        same_named = structs.get(name, [])
        if len(same_named) == 1:
            for field, text in field_texts(same_named[0]).items():
                if field in schema.get("properties", {}):
                    schema["properties"][field]["description"] = _in_codes(text)
    return list(schemas), dict(sorted(named.items()))


def _structs(kind: type[Struct]) -> Iterator[type[Struct]]:
    for found in kind.__subclasses__():
        if found.__module__.startswith("hongyan."):
            yield found
        yield from _structs(found)


def _envelope_schema() -> Schema:
    (error, _), named = _components((WireError, SignalData), "#/$defs/{name}")
    request = _object(
        {"id": {"type": "integer"}, "method": {"type": "string"}, "params": {"type": "object"}},
        ["id", "method"],
    )
    push = _object({"event": {"type": "string"}, "data": {"type": "object"}}, ["event", "data"])
    return {
        "$schema": DIALECT,
        "title": "The four messages that go over the socket",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("Request", "Result", "Failure", "Push")],
        "$defs": {
            "Request": request,
            "Result": _result({}),
            "Failure": _failure(error),
            "Push": push,
            **named,
        },
    }


def _method_schema(method: Method) -> Schema:
    (params, result), named = _components((method.params, method.result), "#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "title": method.name,
        "description": method.text,
        "type": "object",
        "properties": {"params": params, "result": result},
        "$defs": named,
    }


def _entries_schema() -> Schema:
    kinds = entry_kinds()
    bodies = [kind.body for kind in kinds if kind.body is not None]
    (entry, *schemas), named = _components((Entry, *bodies), "#/$defs/{name}")
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


def asyncapi(callable_methods: list[Method]) -> Schema:
    """Return the AsyncAPI 3.0 description, seen from the server."""
    types = [part for method in callable_methods for part in (method.params, method.result)]
    template = "#/components/schemas/{name}"
    schemas, named = _components([*types, WireError, Entry, SignalData], template)
    messages: dict[str, Schema] = {"failure": _message("failure", _failure(schemas[-3]))}
    operations: dict[str, Schema] = {}
    for number, method in enumerate(callable_methods):
        params, result = schemas[2 * number : 2 * number + 2]
        asked, told = f"{method.name}.request", f"{method.name}.result"
        messages[asked] = _message(method.name, _request(method.name, params))
        messages[told] = _message(f"{method.name} (result)", _result(result))
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
                    {"$ref": f"#/channels/ws/messages/{told}"},
                    {"$ref": "#/channels/ws/messages/failure"},
                ],
            },
        }
    for event, data in _pushes(schemas[-2], schemas[-1]).items():
        messages[f"push.{event}"] = _message(event, _push(event, data))
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


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required}


def _request(name: str, params: Schema) -> Schema:
    return _object(
        {"id": {"type": "integer"}, "method": {"const": name}, "params": params}, ["id", "method"]
    )


def _result(result: Schema) -> Schema:
    return _object({"id": {"type": "integer"}, "result": result}, ["id", "result"])


def _failure(error: Schema) -> Schema:
    return _object({"id": {"type": "integer"}, "error": error}, ["id", "error"])


def _push(event: str, data: Schema) -> Schema:
    return _object({"event": {"const": event}, "data": data}, ["event", "data"])


def _pushes(entry: Schema, signal: Schema) -> dict[str, Schema]:
    return {
        "entry": entry,
        "signal": signal,
        "kicked": _object({"reason": {"type": "string"}}, ["reason"]),
        "reconnect": _object({"after_ms": {"type": "integer"}}, ["after_ms"]),
    }


# --- pages ---


def _errors_page() -> str:
    lines = [
        "# Errors",
        "",
        "Made from the code by `make docs`. A failed request is answered with",
        '`{"id": 7, "error": {"code", "message", "retryable", "details"}}`. Programs look at the',
        "code, which never changes its meaning; `message` is a sentence for a person;",
        "`retryable` says that the same request may succeed later. A refused request has changed",
        "nothing. A client that meets a code that is not in this table treats it by `retryable`.",
        "",
        "| code | retryable | when | says |",
        "|---|---|---|---|",
    ]
    for kind in refusals():
        when = " ".join(_in_codes(_text(kind)).split())
        retryable = "yes" if kind.retryable else "no"
        lines.append(f"| `{kind.code}` | {retryable} | {_cell(when)} | {_cell(kind.message)} |")
    return "\n".join(lines) + "\n"


def _entries_page() -> str:
    lines = [
        "# Kinds of entry and signal",
        "",
        "Made from the code by `make docs`. The shapes of the bodies are in",
        "`schemas/entries.json`. A client ignores a kind that it does not know, but counts its",
        "`seq`: it is a place in the log like any other.",
        "",
        "| kind | body | what |",
        "|---|---|---|",
    ]
    for kind in entry_kinds():
        body = f"`{kind.body.__name__}`" if kind.body else ""
        first = _text(kind.body).splitlines()[0] if kind.body else ""
        told = " ".join((kind.text or first).replace("``", "`").split())
        lines.append(f"| `{kind.name}` | {body} | {_cell(told)} |")
    return "\n".join(lines) + "\n"


WHO = {Access.ANYONE: "anyone", Access.USER: "a user", Access.ADMIN: "an administrator"}


def _methods_page(callable_methods: list[Method]) -> str:
    lines = [
        "# Methods",
        "",
        "Made from the code by `make docs`. The exact shapes are in `schemas/<method>.json`.",
        "",
        "| method | who | what |",
        "|---|---|---|",
    ]
    for method in callable_methods:
        first = method.text.splitlines()[0] if method.text else ""
        lines.append(
            f"| [`{method.name}`](#{_anchor(method.name)}) | {WHO[method.access]} "
            f"| {_cell(first)} |"
        )
    for method in callable_methods:
        lines += ["", f"## {method.name}", "", *_reflowed(method.text)]
        lines += ["", "Parameters:", "", *_parameters(method.params)]
        lines += ["", f"Answer: {_type_name(method.result)}"]
    return "\n".join(lines) + "\n"


def _parameters(params: type[Any]) -> list[str]:
    texts = field_texts(params)
    lines = []
    for field in msgspec.structs.fields(params):
        text = " ".join(_in_codes(texts.get(field.name, "")).split())
        need = "required" if field.required else f"default `{_default(field)}`"
        lines.append(
            f"- `{field.name}` ({_type_name(field.type)}, {need})" + (f": {text}" if text else "")
        )
    return lines or ["- none"]


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return msgspec.json.encode(value).decode()


def _type_name(kind: Any) -> str:
    text = getattr(kind, "__name__", None) if isinstance(kind, type) else None
    text = text or re.sub(r"\b(?:[a-z_]+\.)+(?=\w)", "", str(kind))
    return text.replace("|", "or")


def _text(kind: type[Any]) -> str:
    return _in_codes(inspect.getdoc(kind) or "")


def _in_codes(text: str) -> str:
    """Return the text with refusals by their codes, as a client meets them."""
    codes = {kind.__name__: kind.code for kind in refusals()}
    before, mark, raises = text.partition("Raises:\n")
    named = re.sub(r"\b[A-Z]\w+\b", lambda found: codes.get(found[0], found[0]), raises)
    return (before + mark.replace("Raises", "Refuses with") + named).replace("``", "`")


def _reflowed(text: str) -> list[str]:
    """Return a docstring as Markdown: the refusals as a list."""
    before, mark, raises = text.partition("Refuses with:\n")
    lines = before.rstrip().splitlines()
    if mark:
        items = re.sub(r"\n\s{5,}", " ", inspect.cleandoc(raises)).splitlines()
        lines += ["", "Refuses with:", "", *(f"- {item.strip()}" for item in items if item)]
    return lines


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
