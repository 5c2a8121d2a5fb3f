"""A docstring's first line says what a thing is or does: never a clause about it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("src/hongyan", "sdk/python") for path in (ROOT / folder).rglob("*.py")
)
OPENERS = {
    "how",
    "however",
    "it",
    "so",
    "that",
    "those",
    "what",
    "whatever",
    "when",
    "whenever",
    "where",
    "wherever",
    "whether",
    "which",
    "whichever",
    "who",
    "whoever",
    "whom",
    "whose",
    "why",
}
OF_PROPERTIES = {"when", "whether"}
"""Openers that a property may have: a yes or no, and an instant."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _documented(tree: ast.AST) -> Iterator[Documented]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Documented))


def _is_property(node: Documented) -> bool:
    marks = [] if isinstance(node, ast.Module) else node.decorator_list
    return any(ast.unparse(mark).endswith("property") for mark in marks)


def _clauses(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the opener of each docstring that begins with a clause."""
    for node in _documented(ast.parse(source)):
        found = re.match(r"[A-Za-z]+", ast.get_docstring(node) or "")
        opener = found[0].lower() if found else ""
        if opener in OPENERS and not (opener in OF_PROPERTIES and _is_property(node)):
            yield getattr(node, "lineno", 1), opener


def test_docstrings_begin_with_the_thing() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {opener}"
        for path in SOURCES
        for line, opener in _clauses(path.read_text())
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    [
        '"""What the server sends."""',
        'class Peer:\n    """Who is connected."""',
        'def close() -> None:\n    """It is over."""',
        'async def run() -> None:\n    """So it runs."""',
        'class A:\n    def is_up(self) -> bool:\n        """Whether it is up."""',
        'class A:\n    @property\n    def size(self) -> int:\n        """How large it is."""',
    ],
)
def test_a_clause_is_found(source: str) -> None:
    assert len(list(_clauses(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""The pushes of the server."""',
        'def iterate() -> None:\n    """Iterate once more."""',
        'class A:\n    @property\n    def is_up(self) -> bool:\n        """Whether it is up."""',
        'class A:\n    @property\n    def at_ms(self) -> int:\n        """When it came."""',
    ],
)
def test_a_thing_is_no_clause(source: str) -> None:
    assert list(_clauses(source)) == []
