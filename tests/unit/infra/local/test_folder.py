"""The folder's lock: one process at a time, freed however that process ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from hongyan.infra.local.folder import FolderInUse, FolderLock

HOLD = """
import sys
from pathlib import Path
from hongyan.infra.local.folder import FolderLock
FolderLock(Path(sys.argv[1])).__enter__()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(FolderInUse), FolderLock(tmp_path):
        pass
    with FolderLock(tmp_path):
        pass


def test_a_killed_process_frees_the_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(FolderInUse), FolderLock(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with FolderLock(tmp_path):
        pass
