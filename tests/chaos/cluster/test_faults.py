"""A short play of each sort; ``python -m tests.chaos.cluster`` is the long one."""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from .environment import Environment
from .faults import FAULTS, Lengths
from .run import Outcome, Plan, run

pytestmark = [
    pytest.mark.xdist_group("arena"),
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        os.getuid() != 0 or not all(map(shutil.which, ("ip", "nft", "cc"))),
        reason="needs root, iproute2, nftables and a C compiler: see tools/prepare-tests",
    ),
]
SHORT = Lengths(
    down_s=(0.0, 0.5), cut_s=4.0, pause_s=4.0, slow_disk_s=2.0, clock_s=2.0, full_buffer_s=3.0
)
SHAPE = (2, 2, 2)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's user can look into, as pytest's own ones are not."""
    with tempfile.TemporaryDirectory(prefix="hongyan-arena-") as path:
        yield Path(path)


def test_each_fault_once_loses_nothing(folder: Path) -> None:
    plan = Plan(len(FAULTS), users=16, calm_s=(0.0, 0.5), lengths=SHORT)
    outcome = _played(folder, plan)
    assert outcome.verdict.examples() == []
    assert sorted(blow.kind for blow in outcome.blows) == sorted(FAULTS)
    assert outcome.acknowledged > 200
    assert outcome.files > 0
    assert outcome.events >= outcome.acknowledged


def _played(folder: Path, plan: Plan) -> Outcome:
    """Play in a process of its own, because an arena moves its process to another host."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_run, (folder, plan))


def _run(folder: Path, plan: Plan) -> Outcome:
    environment = Environment(folder, SHAPE)
    try:
        environment.open()
        return uvloop.run(run(environment, plan))
    finally:
        environment.close()
