"""The SDK is a package of its own."""

import ast
from pathlib import Path

import hongyan_sdk


def test_it_imports_nothing_of_the_server() -> None:
    for path in Path(hongyan_sdk.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            assert not [name for name in names if name.split(".")[0] == "hongyan"], path


def test_the_headless_part_needs_no_user_interface() -> None:
    folder = Path(hongyan_sdk.__file__).parent
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "textual" not in text, path
        assert "rich" not in text.replace("enrich", ""), path
