"""The commands of the guide do what it says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.rest.test_app_servers import hongyan

pytestmark = pytest.mark.xdist_group("rest")
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "app-servers.md"


def test_the_commands_of_the_guide(served):
    text = GUIDE.read_text(encoding="utf-8")
    create = re.search(r"```sh\nhongyan (.*?)```", text, re.DOTALL)[1]
    key = hongyan(served.folder, *create.replace("\\\n", " ").split())
    script = "set -euo pipefail\n" + "echo\n".join(
        re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    )
    environment = os.environ | {"URL": served.url, "KEY": key}
    command = ["bash", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for told in (
        '"external_id":"customer-7"',
        '"lines":2,"created":2',
        '"access_token"',
        '"external_id":"order-1001"',
        '"sent_at_ms"',
        '"secret":"whsec_',
    ):
        assert told in done.stdout
