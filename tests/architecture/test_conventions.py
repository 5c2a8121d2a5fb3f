"""The conventions of the code, checked on the source itself.

An exception below is a debt: a list may shrink, never grow. A file or function that got
better than its entry makes the test fail too, so that the entry goes.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from hongyan.kernel.errors import Refusal

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("src/hongyan", "sdk/python/hongyan_sdk")
    for path in (ROOT / folder).rglob("*.py")
)
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]
TREES = {name: ast.parse(path.read_text()) for name, path in zip(NAMES, SOURCES, strict=True)}

FILE_LINES_MAX = 600
FILE_LINES_ASK = 400
FUNCTION_LINES_MAX = 60
PORT_METHODS_MAX = 5

LONG_FILES: set[str] = set()
"""Files of more than 400 lines, until they are cut."""
WIDE_PORTS = {"Log", "Records"}
"""Log: one append and the four ways to read a log back. Records: reads by key and by index."""
FORBIDDEN_MODULES = {"utils", "util", "common", "helpers", "manager", "impl", "base", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Defined = Function | ast.ClassDef


def test_files_are_short() -> None:
    lines = {name: len((ROOT / name).read_text().splitlines()) for name in NAMES}
    assert {name for name, count in lines.items() if count > FILE_LINES_MAX} == set()
    assert {name for name, count in lines.items() if count > FILE_LINES_ASK} == LONG_FILES


def test_functions_are_short() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_ports_are_narrow() -> None:
    wide = {
        node.name
        for name, tree in TREES.items()
        if name.endswith("ports.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and sum(isinstance(part, Function) for part in node.body) > PORT_METHODS_MAX
    }
    assert wide <= WIDE_PORTS


def test_modules_say_what_they_hold() -> None:
    assert [
        name for name in NAMES if set(Path(name).with_suffix("").parts) & FORBIDDEN_MODULES
    ] == []


def _public(body: list[ast.stmt], within: str) -> Iterator[tuple[str, Defined]]:
    """Yield public classes, functions and methods; what is nested in a function is private."""
    for node in body:
        if isinstance(node, Defined) and not node.name.startswith("_"):
            yield f"{within}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, f"{within}{node.name}.")


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_is_explained(name: str) -> None:
    tree = TREES[name]
    missing = [
        f"{name}:{node.lineno} {path}"
        for path, node in _public(tree.body, "")
        if not ast.get_docstring(node) and not _is_overload(node)
    ]
    assert ast.get_docstring(tree) or not tree.body, f"{name} has no docstring"
    assert missing == []


def _is_overload(node: Defined) -> bool:
    marks = [mark for mark in node.decorator_list if isinstance(mark, ast.Name | ast.Attribute)]
    return any(ast.unparse(mark) in {"overload", "typing.overload"} for mark in marks)


def test_no_import_is_hidden_from_the_run_time() -> None:
    """``if TYPE_CHECKING`` hides a circle; ours are to be opened instead."""
    assert [name for name in NAMES if "TYPE_CHECKING" in (ROOT / name).read_text()] == []


def _imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield imported modules; a relative one with its dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module, node.lineno
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def test_the_quiet_layers_do_not_log() -> None:
    quiet = ("src/hongyan/kernel/", "src/hongyan/domain/", "src/hongyan/wire/")
    loud = [
        f"{name}:{line}"
        for name, tree in TREES.items()
        if name.startswith(quiet)
        for module, line in _imported(tree)
        if module in {"logging", "structlog"}
    ]
    assert loud == []


OF_THE_LOOP = {"Lock", "gather"}
"""What the domain may use of asyncio: nothing that lives longer than a call, and no time."""


def test_the_domain_has_no_tasks_and_no_clock_of_its_own() -> None:
    wrong = [
        f"{name}:{node.lineno} asyncio.{node.attr}"
        for name, tree in TREES.items()
        if name.startswith("src/hongyan/domain/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "asyncio"
        and node.attr not in OF_THE_LOOP
    ]
    assert wrong == [], "the runtime has them: declare a Reader or a Job, or use Background"
    hidden = [
        f"{name}:{line} {module}"
        for name, tree in TREES.items()
        if name.startswith("src/hongyan/domain/")
        for module, line in _imported(tree)
        if module.startswith("asyncio.")
    ]
    assert hidden == []


SEEN_OF_OTHERS = re.compile(r"model|commands|commands_\w+")
ASKED_BY_ALL = {
    "log": {"caches", "deciding", "model", "ports", "readers", "sources"},
    "visibility": {"commands", "model", "ports", "rules", "visibility"},
}
"""What is no service among others: where everything is, and the one judge of who sees it."""


def test_a_service_sees_only_the_model_and_commands_of_another() -> None:
    wrong = []
    for name, tree in TREES.items():
        parts = Path(name).with_suffix("").parts
        if parts[:3] != ("src", "hongyan", "domain") or len(parts) < 5:
            continue
        for module, line in _imported(tree):
            found = re.match(r"hongyan\.domain\.(\w+)\.(\w+)", module)
            if found and found[1] != parts[3]:
                if found[1] in ASKED_BY_ALL:
                    is_seen = found[2] in ASKED_BY_ALL[found[1]]
                else:
                    is_seen = SEEN_OF_OTHERS.fullmatch(found[2]) is not None
                if not is_seen:
                    wrong.append(f"{name}:{line} {module}")
    assert wrong == []


def test_the_sdk_stands_alone() -> None:
    """Somebody who installs the SDK does not install the server."""
    wrong = [
        f"{name}:{line} {module}"
        for name, tree in TREES.items()
        if name.startswith("sdk/")
        for module, line in _imported(tree)
        if re.match(r"hongyan(\.|$)", module)
    ]
    assert wrong == []


def _refusals(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for narrower in kind.__subclasses__():
        yield narrower
        yield from _refusals(narrower)


def test_every_refusal_has_its_own_code() -> None:
    import hongyan.domain.catalog

    assert hongyan.domain.catalog.COMMANDS
    by_code: dict[str, str] = {}
    for kind in _refusals(Refusal):
        if not kind.__module__.startswith("hongyan."):
            continue
        assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.code), kind
        assert "code" in vars(kind), f"{kind} takes its code from another refusal"
        where = f"{kind.__module__}.{kind.__name__}"
        assert by_code.setdefault(kind.code, where) == where, kind.code
        assert kind.message.endswith("."), f"{kind}: the message is a sentence"


def test_words_to_avoid_are_avoided() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text()
    avoided = set(re.findall(r"^\| .*? \| .*? \| (.*?) \|$", glossary, flags=re.MULTILINE))
    words = {word for cell in avoided for word in re.findall(r"`(\w+)`", cell)}
    assert len(words) > 10, "the glossary's table has changed its shape"
    found = [
        f"{name}:{line} {identifier}"
        for name, tree in _python().items()
        for identifier, line in _identifiers(tree)
        if {identifier.lower(), *_parts(identifier)}
        & (words - OF_SCREENS if name.startswith("tests/browser/") else words)
    ]
    found += [
        name
        for name in _python()
        for part in Path(name).with_suffix("").parts
        if part not in STRATEGIES and {part, *_parts(part)} & words
    ]
    found += [
        str(path.relative_to(ROOT))
        for path in _typescript()
        if {path.stem.lower(), *_parts(path.stem)} & (words - OF_SCREENS)
    ]
    found += [
        f"{path.relative_to(ROOT)} {identifier}"
        for path in _typescript()
        for identifier in _declared(path.read_text())
        if {identifier.lower(), *_parts(identifier)} & (words - OF_SCREENS)
    ]
    found += [
        f"{path.relative_to(ROOT)} {word}"
        for path in (*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md")
        if path.name != "glossary.md" and "adr" not in path.parts
        for word in re.findall(r"(?<!`)`([A-Za-z_]+)`(?!`)", path.read_text())
        if {word.lower(), *_parts(word)} & words and not word.lower().startswith("hongyan_")
        if word not in STRATEGIES
    ]
    assert found == []


OF_SCREENS = {"blob", "dialog", "journal", "timeline"}  # they mean something else to a browser
STRATEGIES = {"rpc"}  # a value of a setting


@cache
def _python() -> dict[str, ast.Module]:
    """Return all Python of ours; what only tests or measures has the same words."""
    paths = [
        path
        for folder in ("tests", "benchmarks", "tools")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "node_modules" not in path.parts
    ]
    assert len(paths) > 200
    return TREES | {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def _typescript() -> list[Path]:
    found = [*ROOT.glob("sdk/typescript/src/**/*.ts"), *ROOT.glob("web/src/**/*.ts*")]
    assert len(found) > 100
    return [path for path in found if path.name != "protocol.ts"]


def _declared(text: str) -> list[str]:
    return re.findall(r"\b(?:class|interface|type|enum|function|const|let)\s+([A-Za-z_]\w*)", text)


def _identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names that this module itself gives: definitions, parameters, fields."""
    for node in ast.walk(tree):
        if isinstance(node, Defined):
            if not node.name.startswith("test_"):  # those are sentences
                yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.lineno


def _parts(identifier: str) -> list[str]:
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", identifier)]


SAME_NAME = {
    "Avatars": "the port of each service that shows pictures",
    "Store": "all ports of a store that a part needs",
}
"""Classes that may share a name, and why; each is in several places one thing."""


def test_a_class_name_means_one_thing() -> None:
    places: dict[str, set[str]] = {}
    for name, tree in TREES.items():
        if name.startswith("src/hongyan/"):
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, set()).add(name)
    assert len(places) > 500
    found = {name: sorted(where) for name, where in places.items() if len(where) > 1}
    assert {name: where for name, where in found.items() if name not in SAME_NAME} == {}
    assert set(SAME_NAME) <= set(found), "no longer needed"
