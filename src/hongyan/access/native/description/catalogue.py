"""A catalogue of the protocol: methods, kinds of entry, refusals."""

import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from msgspec import Struct

from hongyan.access.native.hello import Hello, Pong, Welcome
from hongyan.domain.catalog import COMMAND_MODULES, MODELS
from hongyan.kernel.bus import Access, Command
from hongyan.kernel.docstrings import constant_texts
from hongyan.kernel.errors import Refusal


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
    """One kind of entry or signal: its name, what it says, and its body where it has one."""

    name: str
    text: str
    body: type[Struct] | None


def methods(commands: Mapping[str, type[Command[Any]]]) -> list[Method]:
    """Return what a client may call: hello and ping first, then the commands by name."""
    found = [
        Method("hello", Access.ANYONE, Hello, Welcome, text_of(Hello)),
        Method("ping", Access.ANYONE, Ping, Pong, "Ask whether the other side is there."),
    ]
    found += [
        Method(name, command.ACCESS, command, command.result_type(), text_of(command))
        for name, command in sorted(commands.items())
        if command.ACCESS != Access.INTERNAL
    ]
    return found


def entry_kinds() -> list[EntryKind]:
    """Return the kinds that the models declare, by name."""
    found = []
    bodies = {kind.__name__: kind for kind in all_structs() if ".domain." in kind.__module__}
    for module in [import_module(f"{rows.__package__}.model") for rows in MODELS]:
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

    modules = {"hongyan.kernel.errors", *(api.__name__ for api in COMMAND_MODULES)}
    return sorted(
        {kind for kind in narrower(Refusal) if kind.__module__ in modules},
        key=lambda kind: (kind.code, kind.__module__),
    )


def all_structs(kind: type[Struct] = Struct) -> Iterator[type[Struct]]:
    """Yield every struct that a protocol may show; the layers ``app`` and ``infra`` have others."""
    for found in kind.__subclasses__():
        room = found.__module__.split(".")
        if room[0] == "hongyan" and room[1] not in ("app", "infra"):
            yield found
        yield from all_structs(found)


def text_of(kind: type[Any]) -> str:
    """Return a class's docstring, refusals by their codes."""
    return in_codes(inspect.getdoc(kind) or "")


def in_codes(text: str) -> str:
    """Return the text with refusals by their codes, as a client meets them."""
    codes = {kind.__name__: kind.code for kind in refusals()}
    before, mark, raises = text.partition("Raises:\n")
    named = re.sub(r"\b[A-Z]\w+\b", lambda found: codes.get(found[0], found[0]), raises)
    return (before + mark.replace("Raises", "Refuses with") + named).replace("``", "`")
