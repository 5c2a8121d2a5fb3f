"""The vectors that all SDKs share, run by the Python one."""

import json
from pathlib import Path
from typing import Any

import pytest

from .folds import Case, cases_of, folded

FOLDER = Path(__file__).parents[3] / "protocol/folds"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case.name}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in cases_of(json.loads(path.read_text())["cases"])
]


@pytest.mark.parametrize("case", CASES)
def test_the_entries_lead_to_the_state(case: Case) -> None:
    state: dict[str, Any] = folded(case)
    assert state == case.state


def test_the_vectors_cover_what_is_folded() -> None:
    kinds = {entry.kind for param in CASES for entry in param.values[0].entries}  # type: ignore[union-attr]
    assert kinds == {
        "conversation.changed",
        "conversation.dissolved",
        "conversation.read",
        "member.changed",
        "members.joined",
        "members.left",
        "message",
        "message.burned",
        "message.edited",
        "message.pinned",
        "message.reacted",
        "message.recalled",
        "messages.hidden",
        "poll.closed",
        "poll.voted",
        "preference.changed",
    }
