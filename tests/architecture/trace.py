"""What was called in which order while something happened, for the pages of ``docs/flows``."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import hongyan

SOURCE = str(Path(hongyan.__file__).parent) + "/"
Called = dict[tuple[str, str], int]
"""(path below ``src/hongyan``, qualified name) -> when it was entered first: 1, 2, 3 ..."""

FLOWS = Path(__file__).parents[2] / "docs/flows"
STEPS_MIN = 10
_STEP = re.compile(r"\*\*`([\w/.]+)`\*\*((?:,?\s+`[\w.]+`)*)")


@contextmanager
def traced() -> Iterator[Called]:
    """Note the first entry of every function of ours, in this thread and in new ones."""
    called: Called = {}

    def note(frame: FrameType, event: str, _arg: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(SOURCE):
            key = code.co_filename.removeprefix(SOURCE), code.co_qualname
            called.setdefault(key, len(called) + 1)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def steps_of(page: str) -> list[tuple[str, str]]:
    """Return (path, qualified name) of the steps of a page, in its order.

    A step is a path in bold, with the names in it that are called: ``**`a/b.py`** `C.d`, `e```.
    """
    return [
        (path, name)
        for path, names in _STEP.findall(page)
        for name in re.findall(r"`([\w.]+)`", names) or [""]
    ]


def check(page: Path, called: Called) -> None:
    """Hold a page against what was called: every step was, and in the page's order.

    A step that came before, such as the writer's of a second commit, may stand again.
    """
    steps = steps_of(page.read_text(encoding="utf-8"))
    assert len(steps) >= STEPS_MIN, f"{page.name} has hardly any steps"
    missing = [step for step in steps if step not in called]
    assert not missing, f"{page.name} names what was not called: {missing}"
    first = list(dict.fromkeys(steps))
    assert first == sorted(first, key=called.__getitem__), f"{page.name} has another order"
