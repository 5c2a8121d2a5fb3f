"""A disk of a few megabytes: a tmpfs that is mounted for a test."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tiny_disk(where: Path, size_bytes: int) -> Iterator[Path]:
    """Mount one at a folder that is made for it, or skip the test where that is not permitted."""
    where.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(where)]
    try:
        subprocess.run(["mount", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting is not permitted here")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def grow(where: Path) -> None:
    """Make it large."""
    subprocess.run(["mount", "-o", "remount,size=64m", str(where)], check=True)
