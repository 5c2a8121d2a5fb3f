"""The commands of the guide do what it says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.rest.test_app_servers import hongyan

pytestmark = pytest.mark.xdist_group("rest")
GUIDES = Path(__file__).parents[2] / "docs" / "guide"


@pytest.fixture
def key(served):
    """The key that the guide to app servers makes."""
    text = (GUIDES / "app-servers.md").read_text(encoding="utf-8")
    create = re.search(r"```sh\nhongyan (.*?)```", text, re.DOTALL)[1]
    return hongyan(served.folder, *create.replace("\\\n", " ").split())


def _carried_out(guide, served, key):
    """Return what the commands of a guide say, one after the other."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    script = "set -euo pipefail\n" + "echo\n".join(
        re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    )
    environment = os.environ | {"URL": served.url, "KEY": key}
    command = ["bash", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_for_widgets(served, key):
    told = _carried_out("widget.md", served, key)
    assert '"login_token":"' in told
    assert '"external_id":"order-1001"' in told


def test_the_commands_of_the_guide(served, key):
    said = _carried_out("app-servers.md", served, key)
    for told in (
        '"external_id":"customer-7"',
        '"lines":2,"created":2',
        '"access_token"',
        '"external_id":"order-1001"',
        '"sent_at_ms"',
        '"secret":"whsec_',
    ):
        assert told in said
