"""An operation: one command at one path, and how a request becomes that command."""

import functools
import hashlib
import operator
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin
from urllib.parse import unquote

import msgspec
from msgspec import NODEFAULT, UNSET, Struct, UnsetType
from msgspec.structs import FieldInfo

from hongyan.kernel.bus import Command
from hongyan.kernel.errors import Invalid
from hongyan.kernel.limits import CLIENT_ID_MAX

from .routes import PREFIX

CLIENT_ID = "client_id"
IDEMPOTENCY_KEY_MAX = 255


class Operation:
    """One command at one path.

    Args:
        command: The command.
        verb: The HTTP method.
        path: Below ``/api/v1``, with ``{field}`` for parameters.

    Attributes:
        path_fields: The command's fields in the path, in their order.
        query_fields: Those in the query.
        body: The type of the body; None where there is none.
    """

    def __init__(self, command: type[Command[Any]], verb: str, path: str) -> None:
        self.command = command
        self.verb = verb
        self.path = path
        self.method = command.METHOD
        self.segments = tuple(path.strip("/").split("/"))
        self.fields = {field.name: field for field in msgspec.structs.fields(command)}
        named = [part[1:-1] for part in self.segments if part.startswith("{")]
        self.path_fields = tuple(self.fields[name] for name in named)
        rest = [field for field in self.fields.values() if field.name not in named]
        has_query = verb in ("GET", "DELETE")
        self.query_fields = {field.name: field for field in rest} if has_query else {}
        self.body = None if has_query or not rest else _body_type(command, rest)
        self.body_fields = () if has_query else tuple(rest)
        self.takes_client_id = not has_query and any(field.name == CLIENT_ID for field in rest)
        self.has_required_body = any(
            field.required and field.name != CLIENT_ID for field in self.body_fields
        )
        self._decode = None if self.body is None else msgspec.json.Decoder(self.body).decode

    @property
    def full_path(self) -> str:
        """The path as it stands in the document."""
        return PREFIX + self.path

    def read(
        self, path: Sequence[str], query: Sequence[tuple[str, str]], body: bytes, retry_key: str
    ) -> Command[Any]:
        """Return the command that a request asks for.

        Args:
            path: The values of ``path_fields``, decoded.
            query: The query's parameters.
            body: The JSON body; may be empty.
            retry_key: The ``Idempotency-Key``, which stands in for a missing ``client_id``.

        Raises:
            Invalid, msgspec.ValidationError, msgspec.DecodeError: something does not fit.
        """
        values: dict[str, Any] = {
            field.name: _converted(field, text)
            for field, text in zip(self.path_fields, path, strict=True)
        }
        self._read_query(query, values)
        if self._decode is not None:
            found = self._decode(body or b"{}")
            for name in found.__struct_fields__:
                value = getattr(found, name)
                if value is not UNSET:
                    values[name] = value
            if self.takes_client_id and CLIENT_ID not in values:
                if not retry_key:
                    raise Invalid(
                        "Give a client_id, or the header Idempotency-Key.", field=CLIENT_ID
                    )
                values[CLIENT_ID] = as_client_id(retry_key)
        elif body.strip() not in (b"", b"{}"):
            raise Invalid("This request takes no body.")
        return self.command(**values)

    def _read_query(self, query: Sequence[tuple[str, str]], values: dict[str, Any]) -> None:
        lists: dict[str, list[str]] = {}
        for name, text in query:
            field = self.query_fields.get(name)
            if field is None:
                raise Invalid(f"There is no query parameter {name[:64]!r} here.", field=name[:64])
            if is_list(field):
                lists.setdefault(name, []).append(text)
            elif name in values:
                raise Invalid(f"The query parameter {name} is given twice.", field=name)
            else:
                values[name] = _converted(field, text)
        for name, texts in lists.items():
            values[name] = _converted(self.query_fields[name], texts)
        for name, field in self.query_fields.items():
            if field.required and name not in values:
                raise Invalid(f"The query parameter {name} is missing.", field=name)


class PathNode:
    """A place in the tree of paths: what comes after the segments up to here."""

    __slots__ = ("fixed", "here", "open")

    def __init__(self) -> None:
        self.fixed: dict[str, PathNode] = {}
        self.open: PathNode | None = None
        self.here: dict[str, Operation] = {}


class Paths:
    """Finds the operations at a path, however many paths there are.

    Args:
        operations: All of them.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._root = PathNode()
        for operation in operations:
            node = self._root
            for segment in operation.segments:
                if segment.startswith("{"):
                    node.open = node.open or PathNode()
                    node = node.open
                else:
                    node = node.fixed.setdefault(segment, PathNode())
            node.here[operation.verb] = operation

    def find(self, raw_path: bytes) -> tuple[Mapping[str, Operation], list[str]] | None:
        """Return the operations at a raw path below the prefix, by verb, and its parameters.

        Raises:
            Invalid: it is not UTF-8.
        """
        node, values = self._root, []
        for raw in raw_path.strip(b"/").split(b"/"):
            segment = raw.decode("ascii", "replace")
            following = node.fixed.get(segment)
            if following is None:
                following = node.open
                if following is None or not segment:
                    return None
                values.append(_unquoted(segment))
            node = following
        return (node.here, values) if node.here else None


def operations(
    commands: Mapping[str, type[Command[Any]]], routes: Mapping[str, tuple[str, str]]
) -> list[Operation]:
    """Return an operation for each command that has a route, in the table's order."""
    return [
        Operation(commands[method], verb, path)
        for method, (verb, path) in routes.items()
        if method in commands
    ]


def as_client_id(retry_key: str) -> str:
    """Return the client id that an idempotency key stands for."""
    if len(retry_key) <= CLIENT_ID_MAX:
        return retry_key
    return hashlib.sha256(retry_key.encode()).hexdigest()


def retry_key_of(header: str) -> str:
    """Return the key in an ``Idempotency-Key`` header, with or without its quotation marks.

    Raises:
        Invalid: it is empty, too long or not printable.
    """
    key = header.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 0 < len(key) <= IDEMPOTENCY_KEY_MAX or not (key.isascii() and key.isprintable()):
        raise Invalid(
            f"An Idempotency-Key has 1 to {IDEMPOTENCY_KEY_MAX} printable ASCII characters."
        )
    return key


def is_list(field: FieldInfo) -> bool:
    """Return whether a query may have the field several times."""
    return get_origin(field.type) in (list, tuple)


def _body_type(command: type[Command[Any]], fields: Sequence[FieldInfo]) -> type[Struct]:
    """Return the struct of the fields that come in the body; what is left out is UNSET."""
    defined: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in fields:
        if field.required and field.name != CLIENT_ID:
            defined.append((field.name, field.type))
        else:
            kind = field.type if UnsetType in get_args(field.type) else field.type | UnsetType
            defined.append((field.name, kind, UNSET))
    return msgspec.defstruct(
        f"{command.__name__}Body",
        defined,
        kw_only=True,
        frozen=True,
        forbid_unknown_fields=True,
        module="rest",  # not one of ours: the command says what its fields mean
    )


def _converted(field: FieldInfo, value: Any) -> Any:
    """Return what a text in a URL says; null has no text."""
    kind = functools.reduce(operator.or_, kinds) if (kinds := _without_none(field)) else field.type
    try:
        found = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"{error} - in {field.name}", field=field.name) from error
    if isinstance(found, int) and abs(found) >= 2**63:
        raise Invalid(f"{field.name} is too large.", field=field.name)
    return found


def _without_none(field: FieldInfo) -> list[Any]:
    kinds = get_args(field.type)
    return [kind for kind in kinds if kind is not NoneType] if NoneType in kinds else []


def _unquoted(segment: str) -> str:
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise Invalid("The path is not UTF-8.") from error
    if "\x00" in text:
        raise Invalid("The path has a character that cannot be.")
    return text


def default_of(field: FieldInfo) -> Any:
    """Return a field's default; NODEFAULT where it has none."""
    if field.default is not NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not NODEFAULT else NODEFAULT
