"""Unit tests do not sleep: they wait for a condition, or move a clock of their own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT_TESTS = sorted((ROOT / "tests/unit").rglob("*.py"))
SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep"}
TIMERS = {"call_later", "call_at", "sleep_until"}


def _helpers(tree: ast.AST) -> Iterator[Path]:
    """Yield the modules of other tests that a unit test takes its helpers from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            stem = ROOT / (node.module or "").replace(".", "/")
            names = [stem, *(stem / alias.name for alias in node.names)]
            yield from (path for name in names if (path := name.with_suffix(".py")).exists())


def _full_names(tree: ast.AST) -> dict[str, str]:
    """Return what the imported names stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def _waits(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the calls that wait for time to pass; ``sleep(0)`` only gives others their turn."""
    names = _full_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        first, dot, rest = ast.unparse(node.func).partition(".")
        called = names.get(first, first) + dot + rest
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        is_turn = bool(arguments) and ast.unparse(arguments[0]) == "0"
        if (called in SLEEPS and not is_turn) or called.rpartition(".")[2] in TIMERS:
            yield node.lineno, ast.unparse(node)


def test_unit_tests_do_not_sleep() -> None:
    assert len(UNIT_TESTS) > 100
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in UNIT_TESTS}
    for path in {helper for tree in list(trees.values()) for helper in _helpers(tree)}:
        trees.setdefault(path, ast.parse(path.read_text(encoding="utf-8")))
    found = [
        f"{path.relative_to(ROOT)}:{line} {call}"
        for path, tree in trees.items()
        for line, call in _waits(tree)
    ]
    assert found == [], "wait for a condition: see tests/unit/waiting.py"


@pytest.mark.parametrize(
    "text",
    [
        "import time; time.sleep(1)",
        "from time import sleep as nap; nap(0.001)",
        "import asyncio as a; a.sleep(delay=0.5)",
        "import anyio; anyio.sleep(PAUSE_S)",
        "asyncio.get_running_loop().call_later(1, go)",
        "asyncio.sleep(0.0 + x)",
    ],
)
def test_it_sees_every_way_to_sleep(text: str) -> None:
    assert [line for line, _ in _waits(ast.parse(text))] == [1]


@pytest.mark.parametrize("text", ["asyncio.sleep(0)", "event.wait(10)", "self.sleep(3)"])
def test_it_lets_others_have_their_turn(text: str) -> None:
    assert list(_waits(ast.parse(text))) == []
