"""A short play; ``python -m tests.chaos`` is the long one."""

from pathlib import Path

from .play import Plan, play


async def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    plan = Plan(kills=5, users=12, life_s=(0.1, 0.8))
    outcome = await play(tmp_path / "data", plan)
    assert outcome.verdict.examples() == []
    assert outcome.verdict.is_clean
    assert outcome.kills == 5
    assert outcome.acknowledged > 100
