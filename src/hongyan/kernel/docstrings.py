"""The texts below fields and constants, read from the source: documentation is written once."""

import ast
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from types import ModuleType

from msgspec import Struct


def field_texts(struct: type[Struct]) -> dict[str, str]:
    """Return the text below each field of a struct, inherited fields included."""
    texts: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        if issubclass(kind, Struct) and kind.__module__.split(".")[0] != "msgspec":
            texts |= _own_texts(kind)
    return texts


@cache
def _own_texts(struct: type[Struct]) -> Mapping[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(struct))).body[0]
    return _below(body.body) if isinstance(body, ast.ClassDef) else {}


def constant_texts(module: ModuleType) -> dict[str, str]:
    """Return the text below each of a module's constants."""
    return _below(ast.parse(inspect.getsource(module)).body)


def _below(body: Sequence[ast.stmt]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for statement, following in pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = inspect.cleandoc(text)
    return texts
