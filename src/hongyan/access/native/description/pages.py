"""The pages of ``protocol/`` that are made from the code."""

import inspect
import re
from typing import Any

import msgspec
from msgspec import Struct

from hongyan.kernel.bus import Access
from hongyan.kernel.docstrings import field_texts

from .catalogue import Method, entry_kinds, in_codes, refusals, text_of


def errors_page() -> str:
    """Return the table of refusals."""
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
        when = " ".join(in_codes(text_of(kind)).split())
        retryable = "yes" if kind.retryable else "no"
        lines.append(f"| `{kind.code}` | {retryable} | {_cell(when)} | {_cell(kind.message)} |")
    return "\n".join(lines) + "\n"


def entries_page() -> str:
    """Return the table of kinds of entry and signal."""
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
        first = text_of(kind.body).splitlines()[0] if kind.body else ""
        text = " ".join((kind.text or first).replace("``", "`").split())
        lines.append(f"| `{kind.name}` | {body} | {_cell(text)} |")
    return "\n".join(lines) + "\n"


WHO = {Access.ANYONE: "anyone", Access.USER: "a user", Access.ADMIN: "an administrator"}


def methods_page(callable_methods: list[Method]) -> str:
    """Return the table of methods, and each with its parameters and answer."""
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
        lines += ["", "Parameters:", "", *_fields(method.params, asked=True)]
        lines += ["", f"Answer: `{_type_name(method.result)}`"]
        if isinstance(method.result, type) and issubclass(method.result, Struct):
            lines += ["", *_fields(method.result, asked=False)]
    return "\n".join(lines) + "\n"


def _fields(struct: type[Struct], asked: bool) -> list[str]:
    """Return a list of fields; of parameters (``asked``) it says whether they are needed."""
    texts = field_texts(struct)
    lines = []
    for field in msgspec.structs.fields(struct):
        text = " ".join(in_codes(texts.get(field.name, "")).split())
        need = (", required" if field.required else f", {_default(field)}") if asked else ""
        lines.append(
            f"- `{field.name}` ({_type_name(field.type)}{need})" + (f": {text}" if text else "")
        )
    return lines or ["- none"]


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if value is msgspec.UNSET:
        return "left as it is when not given"
    return f"default `{msgspec.json.encode(value).decode()}`"


def _type_name(kind: Any) -> str:
    text = getattr(kind, "__name__", None) if isinstance(kind, type) else None
    text = text or re.sub(r"\b(?:[a-z_]+\.)+(?=\w)", "", str(kind))
    return text.removesuffix(" | UnsetType").replace("|", "or")


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
