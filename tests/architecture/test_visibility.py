"""What limits a user's view is read in one place: ``domain/visibility``."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "src/hongyan"
HOME = "domain/visibility/"
LIMITS = {
    "visible_from",
    "visible_until",
    "history_was_hidden",
    "cleared_seq",
    "up_to_seq",
    "HiddenMessage",
}
WRITERS = {
    "domain/group/model.py": {"visible_from", "visible_until", "history_was_hidden"},
    "domain/group/groups.py": {"history_was_hidden"},
    "domain/group/repository.py": {"visible_from", "visible_until"},
    "domain/conversation/model.py": {"up_to_seq"},
    "domain/conversation/preferences.py": {"cleared_seq", "HiddenMessage"},
    "domain/message/forget.py": {"HiddenMessage"},
    "domain/message/trim.py": {"up_to_seq"},
}
"""Who declares or writes which limit. To read one in order to judge is visibility's business."""


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.keyword | ast.arg) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_only_visibility_judges_who_sees_what() -> None:
    used: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        name = str(path.relative_to(ROOT))
        found = LIMITS.intersection(_names(ast.parse(path.read_text())))
        if found and not name.startswith(HOME):
            used[name] = found
    assert used == WRITERS
