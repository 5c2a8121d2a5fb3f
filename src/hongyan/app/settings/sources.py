"""Sources of settings: a TOML file, the environment, flags; the later ones win."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.inspect import (
    BoolType,
    CollectionType,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    StrType,
    Type,
    VarTupleType,
    type_info,
)

from hongyan.kernel.docstrings import field_texts

from .sections import Settings, SettingsError

ENVIRONMENT_PREFIX = "HONGYAN_"
FILE_NAME = "hongyan.toml"
DEFAULT = "default"
DATA_DIR = ("server", "data_dir")

Key = tuple[str, str]

_GONE: Mapping[tuple[Key, str], str] = {
    (("routing", "strategy"), "interest"): "this strategy is no more; take broadcast, or registry"
    " for more than eight gateways",
    (("routing", "buckets"), ""): "it was of the strategy interest, which is no more; remove it",
}
"""Keys that were allowed once -> what to do now. A key's value, or the empty text for the whole
key."""

_RENAMED: Mapping[Key, Key] = {
    ("cluster", "hellos_at_once"): ("cluster", "handshakes_at_once"),
    ("cluster", "hellos_waiting_max"): ("cluster", "handshakes_waiting_max"),
    ("routing", "queue_facts_max"): ("routing", "queue_events_max"),
}
"""Earlier names of settings, which are taken as the present ones."""


class Field(Struct, frozen=True):
    """One setting, as the documentation and the command line see it."""

    section: str
    name: str
    type: Any
    default: Any
    allowed: str
    text: str
    secret: bool

    @property
    def key(self) -> Key:
        """Section and name."""
        return self.section, self.name

    @property
    def dotted(self) -> str:
        """``section.name``, as files and flags write it."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"{ENVIRONMENT_PREFIX}{self.section}__{self.name}".upper()


class Loaded(Struct, frozen=True):
    """The settings in effect, and where each came from."""

    settings: Settings
    origins: Mapping[Key, str]


def sections() -> dict[str, type[Struct]]:
    """Return the sections by name."""
    return {field.name: field.type for field in msgspec.structs.fields(Settings)}


def fields() -> Iterator[Field]:
    """Return every setting, in the order of declaration."""
    for section, struct in sections().items():
        texts = field_texts(struct)
        for field in msgspec.structs.fields(struct):
            default = field.default
            if default is NODEFAULT and field.default_factory is not NODEFAULT:
                default = field.default_factory()
            info = type_info(field.type)
            yield Field(
                section,
                field.name,
                field.type,
                default,
                describe(info),
                texts.get(field.name, ""),
                isinstance(info, Metadata) and bool((info.extra or {}).get("secret")),
            )


def describe(info: Type) -> str:
    """Return in words which values a type allows."""
    if isinstance(info, Metadata):
        return str((info.extra or {}).get("allowed") or describe(info.type))
    match info:
        case LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case BoolType():
            return "true or false"
        case IntType():
            return "a whole number" + _bounds(info)
        case FloatType():
            return "a number" + _bounds(info)
        case StrType():
            return "a text"
        case VarTupleType() | CollectionType():
            return "a list of texts (in the environment and in flags: separated by commas)"
    raise TypeError(f"settings cannot have the type {info}")


def _bounds(info: IntType | FloatType) -> str:
    low, high = info.ge, info.le
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    if info.gt is not None:
        return f" above {info.gt}"
    return f" from 0 to {high}" if high is not None else " of at least 0"


def load(
    environment: Mapping[str, str],
    config: Path | None = None,
    flags: Sequence[tuple[str, str]] = (),
) -> Loaded:
    """Return the settings in effect.

    Args:
        environment: Variables such as ``HONGYAN_SERVER__LISTEN``.
        config: A TOML file; None takes ``hongyan.toml`` in the data folder, if it is there.
        flags: (``section.name``, text) from the command line; a later one wins.

    Raises:
        SettingsError: a key is unknown, a value is wrong, or a file cannot be read.
    """
    known = {field.key: field for field in fields()}
    values: dict[Key, Any] = {}
    origins: dict[Key, str] = dict.fromkeys(known, DEFAULT)

    def take(source: str, found: Mapping[Key, Any], strict: bool) -> None:
        for key, value in found.items():
            now = _RENAMED.get(key, key)
            values[now] = _converted(known, now, value, source, strict)
            origins[now] = source

    texts = _of_environment(environment, known)
    texts_of_flags = {_split(dotted): value for dotted, value in flags}
    path = config
    if path is None:
        folder = texts_of_flags.get(DATA_DIR) or texts.get(DATA_DIR) or known[DATA_DIR].default
        if not (path := Path(folder) / FILE_NAME).exists():
            path = None
    if path is not None:
        found = _of_file(path)
        if config is None and DATA_DIR in found:
            raise SettingsError(
                f"server.data_dir (in {path}): not allowed in the file of the data folder"
                " itself; use --data, HONGYAN_SERVER__DATA_DIR or --config"
            )
        take(f"file {path}", found, strict=True)
    take("environment", texts, strict=False)
    take("flag", texts_of_flags, strict=False)
    by_section: dict[str, Any] = {
        section: struct(**{name: value for (of, name), value in values.items() if of == section})
        for section, struct in sections().items()
    }
    return Loaded(Settings(**by_section), origins)


def _split(dotted: str) -> Key:
    section, _, name = dotted.partition(".")
    return section, name


def _of_environment(environment: Mapping[str, str], known: Mapping[Key, Field]) -> dict[Key, str]:
    """Return the settings among the variables: those with two underscores after the prefix."""
    found: dict[Key, str] = {}
    for variable, value in environment.items():
        section, mark, name = variable.removeprefix(ENVIRONMENT_PREFIX).partition("__")
        if variable.startswith(ENVIRONMENT_PREFIX) and mark:
            key = section.lower(), name.lower()
            if _RENAMED.get(key, key) not in known:
                raise SettingsError(f"{variable} (in the environment): {_unknown(known, key)}")
            found[key] = value
    return found


def _of_file(path: Path) -> dict[Key, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the settings in {path}: {error}") from error
    found: dict[Key, Any] = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(
                f"{section} (in {path}): stands outside a section; write it below a line"
                f" such as [server]"
            )
        found.update({(section, name): value for name, value in table.items()})
    return found


def _converted(known: Mapping[Key, Field], key: Key, value: Any, source: str, strict: bool) -> Any:
    field = known.get(key)
    if field is None:
        raise SettingsError(f"{'.'.join(key)} (in {source}): {_unknown(known, key)}")
    if isinstance(value, str) and not strict and "list" in field.allowed:
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        converted = msgspec.convert(value, field.type, strict=strict)
        if isinstance(converted, int | float) and not 0 <= converted < math.inf:
            raise msgspec.ValidationError("negative or endless")
        return converted
    except msgspec.ValidationError as error:
        shown = "this value" if field.secret else repr(value)
        advice = _GONE.get((key, str(value)), f"it must be {field.allowed}")
        raise SettingsError(
            f"{field.dotted} (in {source}): {shown} is not allowed; {advice}"
        ) from error


def _unknown(known: Mapping[Key, Field], key: Key) -> str:
    if (key, "") in _GONE:
        return _GONE[key, ""]
    names = [name for section, name in known if section == key[0]]
    if names:
        return f"there is no such setting; [{key[0]}] has: {', '.join(names)}"
    return f"there is no such section; there are: {', '.join(sections())}"
