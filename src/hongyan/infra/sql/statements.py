"""The text of ``.sql`` files, and their statements by name."""

import re
from importlib.resources import files


def read_sql(package: str, name: str) -> str:
    """Return the text of a ``.sql`` file of this package."""
    return (files(package) / name).read_text(encoding="utf-8")


def read_statements(package: str, name: str) -> dict[str, str]:
    """Return a file's statements by the ``-- name:`` line above each."""
    parts = re.split(r"^-- name: (\w+)\n", read_sql(package, name), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))
