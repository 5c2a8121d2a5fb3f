"""The own tests of the TypeScript SDK, against this server, and those of the web client."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.live_server import HONGYAN

PACKAGE = Path(__file__).parents[2] / "sdk/typescript"
WEB = Path(__file__).parents[2] / "web"
TIMEOUT_S = 600


def npm(*arguments: str, package: Path = PACKAGE) -> None:
    """Run npm in the package; its output is told when it fails."""
    done = subprocess.run(
        ["npm", *arguments],
        cwd=package,
        env={**os.environ, "HONGYAN_BIN": str(HONGYAN), "CI": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]


def test_types_and_style() -> None:
    npm("run", "check")


def test_it_is_built() -> None:
    npm("run", "build")
    assert (PACKAGE / "dist/index.js").exists()


@pytest.mark.timeout(TIMEOUT_S)
def test_its_tests_pass() -> None:
    npm("test")


def test_the_view_models_and_both_languages_of_the_web_client() -> None:
    npm("run", "check", package=WEB)
