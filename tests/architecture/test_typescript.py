"""The habits of the house in TypeScript: short files, and no circle of imports.

The lengths of functions are measured where there is a parser: `web/tests/lengths.test.ts`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE = {"sdk/typescript/src/protocol.ts"}
"""Files that a program writes."""
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text()
    for folder in ("web/src", "sdk/typescript/src")
    for path in sorted((ROOT / folder).rglob("*.ts*"))
}
FILE_LINES_MAX = 600
FILE_LINES_ASK = 400
LONG_FILES = {"sdk/typescript/src/api.ts", "sdk/typescript/src/engine.ts"}
"""Files of more than 400 lines, until they are cut; the list only shrinks."""
IMPORT = re.compile(r"""(?:\bfrom|\bimport\b\s*\(?)\s*["'](\.[^"']*)\.js["']""")
"""An import from a file of ours, also of types only and at run time."""


def test_files_are_short() -> None:
    lines = {name: text.count("\n") for name, text in SOURCES.items() if name not in MADE}
    assert len(lines) > 100
    assert {name for name, count in lines.items() if count > FILE_LINES_MAX} == set()
    assert {name for name, count in lines.items() if count > FILE_LINES_ASK} == LONG_FILES


def imports() -> dict[str, set[str]]:
    """Which file of ours imports which."""
    return {name: set(_imported(name, text)) for name, text in SOURCES.items()}


def _imported(name: str, text: str) -> Iterator[str]:
    for target in IMPORT.findall(text):
        path = (ROOT / name).parent.joinpath(target).resolve().relative_to(ROOT)
        found = [f"{path}{ending}" for ending in (".ts", ".tsx") if f"{path}{ending}" in SOURCES]
        assert found, f"{name} imports {target}, which is not there"
        yield from found


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return for each file that reaches itself the way on which it does, once for each circle."""
    done: set[str] = set()
    found = []
    for start in graph:
        way = _way_back(graph, start)
        if way and not done & set(way):
            done.update(way)
            found.append(way)
    return found


def _way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    """The shortest way from a file to itself; empty where there is none."""
    came: dict[str, str] = {}
    queue = [start]
    for here in queue:
        for there in sorted(graph[here]):
            if there == start:
                way = [here]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if there not in came:
                came[there] = here
                queue.append(there)
    return []


def test_imports_make_no_circle() -> None:
    graph = imports()
    assert sum(map(len, graph.values())) > 500
    assert circles(graph) == []


def test_a_circle_is_seen() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}, "e": set[str]()}
    assert circles(graph) == [["b", "c"], ["d"]]
