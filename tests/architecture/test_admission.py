"""What admission does, no protocol's server does for itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

ACCESS = Path(__file__).parents[2] / "src/hongyan/access"
DESCRIPTIONS = ("http/openapi.py", "native/description/")
"""They tell in documents who may ask what, and let nobody in."""
ADMISSIONS = {
    # who may
    "Access", "SCOPES", "WIDGET_METHODS", "check_scope", "is_widget",
    # who it is
    "ANONYMOUS", "Authenticate", "AuthenticateKey", "CheckDevices", "CheckKeys", "RedeemTicket",
    # how often
    "Bucket", "Limit", "Rates", "network_of",
    # what is counted, followed and noted
    "Durations", "Meters", "NoteAct", "TRACE", "TracedCaller", "Tracer",
    # the way to the services
    "Caller", "Eager", "Line", "NatsCaller", "LocalBus",
}  # fmt: skip
"""Names that only admission imports."""
INSIDE = {"caller", "identity", "live", "meters", "rates", "refusals", "relay"}
"""Attributes of an ``Admission`` that are its own business."""
OFFERED = {"Admission", "Guest", "Speaker"}
"""What a protocol's server needs of it."""


def _servers() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ACCESS.rglob("*.py")):
        name = path.relative_to(ACCESS).as_posix()
        own = ("admission/", "eager.py", "line.py")
        if not name.startswith((*own, *DESCRIPTIONS)):
            yield name, ast.parse(path.read_text())


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield modules and the names that are imported of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_there_are_servers_to_look_at() -> None:
    names = {name for name, _ in _servers()}
    wanted = {"native/session.py", "http/rest.py", "http/tus.py", "control/server.py"}
    assert wanted <= names


def test_nobody_but_admission_knows_its_tools() -> None:
    wrong = [
        f"{name}: {imported}"
        for name, tree in _servers()
        for _, imported in _imported(tree)
        if imported in ADMISSIONS
    ]
    assert wrong == []


def test_its_tools_are_there() -> None:
    """So that a name that is changed does not leave the list without effect."""
    known = {
        node.id if isinstance(node, ast.Name) else node.name
        for path in (ACCESS.parent).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Name)
    }
    assert sorted(ADMISSIONS - known) == []


def test_a_server_takes_admission_as_it_is_offered() -> None:
    wrong = [
        f"{name}: {module} {imported}"
        for name, tree in _servers()
        for module, imported in _imported(tree)
        if module.startswith("hongyan.access.admission")
        and (module != "hongyan.access.admission" or imported not in OFFERED)
    ]
    assert wrong == []


def test_a_server_does_not_reach_into_admission() -> None:
    wrong = [
        f"{name}:{node.lineno} .{node.attr}"
        for name, tree in _servers()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in INSIDE
    ]
    assert wrong == []


def test_only_admission_lets_a_peer_in() -> None:
    """Who attaches to the hub by itself is not looked at when rights change."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in _servers()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"attach", "detach"}
        and "hub" in ast.unparse(node.value)
    ]
    assert wrong == []
