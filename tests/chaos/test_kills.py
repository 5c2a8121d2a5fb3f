"""A short play; ``python -m tests.chaos`` is the long one."""

from pathlib import Path

from .run import Plan, run
from .workload import Pace


async def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    plan = Plan(
        kills=5,
        users=16,
        life_s=(0.1, 0.8),
        pace=Pace(file_pause_s=(0.0, 0.1), receiver_up_s=(0.2, 1.5), receiver_down_s=(0.2, 1.0)),
    )
    outcome = await run(tmp_path / "data", plan)
    assert outcome.verdict.examples() == []
    assert outcome.verdict.is_clean
    assert outcome.kills == 5
    assert outcome.acknowledged > 100
    assert outcome.files > 5
    assert outcome.events >= outcome.acknowledged
    assert outcome.receiver_downs > 0
