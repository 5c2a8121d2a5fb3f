"""Objects are complete when they are made: nobody sets their attributes from outside."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "hongyan"
JOINED = ("app", "access/admission", "access/control", "access/http", "runtime")
"""Where parts are joined: there no attribute of another object is set at all."""
RECORDS = {
    "app/demo/demo.py": {"at_ms"},  # the demo's own clock
    "access/http/operations.py": {"open"},  # the nodes of its own tree
}
FOREIGN = {
    "access/eager.py": {"_asyncio_future_blocking"},  # how asyncio's tasks wait
    "infra/nats/connection.py": {"_pending_queue"},  # nats-py offers no other way
}


def pokes(text: str, only_private: bool) -> list[str]:
    """Return the attributes that a module sets of what is not ``self`` or ``cls``."""
    found = []
    for node in ast.walk(ast.parse(text)):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            for one in ast.walk(target):
                if not isinstance(one, ast.Attribute) or not isinstance(one.ctx, ast.Store):
                    continue
                is_own = isinstance(one.value, ast.Name) and one.value.id in ("self", "cls")
                if not is_own and (not only_private or _is_private(one.attr)):
                    found.append(one.attr)
    return found


@pytest.mark.parametrize("folder", JOINED)
def test_where_parts_are_joined_no_attribute_is_set_from_outside(folder: str) -> None:
    paths = sorted((SOURCE / folder).rglob("*.py"))
    assert paths
    wrong = []
    for path in paths:
        name = str(path.relative_to(SOURCE))
        wrong += [(name, attr) for attr in set(pokes(path.read_text(), False)) - _allowed(name)]
    assert wrong == []


def test_nobody_sets_what_is_private_to_another() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        wrong += [(name, attr) for attr in set(pokes(path.read_text(), True)) - _allowed(name)]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hub.on_rights = live.changed", ["on_rights"]),
        ("core.services.tracing.deliveries = asked", ["deliveries"]),
        ("self.hub.on_devices = changed", ["on_devices"]),
        ("self.hub, other.x = 1, 2", ["x"]),
        ("guest.count += 1", ["count"]),
        ("self.hub = hub", []),
        ("cls.kept = 1", []),
        ("found = hub.on_rights", []),
    ],
)
def test_it_is_found(text: str, found: list[str]) -> None:
    assert pokes(text, only_private=False) == found


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _allowed(name: str) -> set[str]:
    return RECORDS.get(name, set()) | FOREIGN.get(name, set())
