"""All documents together."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hongyan.kernel.bus import Command

from .asyncapi import asyncapi
from .catalogue import methods
from .pages import entries_page, errors_page, methods_page
from .schemas import entries_schema, envelope_schema, method_schema


def documents(commands: Mapping[str, type[Command[Any]]]) -> dict[str, str]:
    """Return all documents by their path below ``protocol/``, each ending in a newline."""
    callable_methods = methods(commands)
    found = {
        "schemas/envelope.json": _json(envelope_schema()),
        "schemas/entries.json": _json(entries_schema()),
        "asyncapi.json": _json(asyncapi(callable_methods)),
        "entries.md": entries_page(),
        "errors.md": errors_page(),
        "methods.md": methods_page(callable_methods),
    }
    for method in callable_methods:
        found[f"schemas/{method.name}.json"] = _json(method_schema(method))
    return dict(sorted(found.items()))


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
