"""The own tests of the TypeScript SDK, against a server and a cluster, and of the web client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.servers import SERVERS

PACKAGE = Path(__file__).parents[2] / "sdk/typescript"
WEB = Path(__file__).parents[2] / "web"
TIMEOUT_S = 600


def npm(*arguments: str, package: Path = PACKAGE, **environment: str) -> None:
    """Run npm in the package; its output is told when it fails."""
    done = subprocess.run(
        ["npm", *arguments],
        cwd=package,
        env={**os.environ, "CI": "1", **environment},
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
@pytest.mark.parametrize("server", SERVERS)
def test_its_tests_pass(server: str) -> None:
    npm("test", HONGYAN_SERVER=server, HONGYAN_PYTHON=sys.executable)


def test_the_view_models_and_both_languages_of_the_web_client() -> None:
    npm("run", "check", package=WEB)
