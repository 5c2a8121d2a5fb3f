"""Where the server spends its time: cProfile on the event loop's thread, or py-spy on all."""

import pstats
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import servers

TOP = 45


def profile(data_dir: Path, scenario: Callable[[], Any]) -> None:
    """Run a scenario with every server under a profiler, and print the top costs.

    py-spy samples all threads and slows nothing down; cProfile, where py-spy is not
    installed, counts the calls of the event loop's thread and takes its toll on small
    functions.
    """
    with tempfile.TemporaryDirectory(prefix="hongyan-profile-") as folder:
        out = Path(folder) / "profile"
        servers.PROFILER = _profiler(out)
        scenario()
        if _spy():
            _show_samples(out)
        else:
            pstats.Stats(str(out)).sort_stats("tottime").print_stats(TOP)


def _spy() -> str | None:
    return shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))


def _profiler(out: Path) -> tuple[str, ...]:
    spy = _spy()
    if spy is not None:
        options = ("--format", "raw", "--rate", "500", "--nonblocking")
        return (spy, "record", *options, "--output", str(out), "--", sys.executable)
    return (sys.executable, "-m", "cProfile", "-o", str(out))


def _show_samples(out: Path) -> None:
    """Print the functions by their own samples, then by samples of them and what they call."""
    own: dict[str, int] = {}
    total: dict[str, int] = {}
    everything = 0
    for line in out.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        everything += int(count)
        own[frames[-1]] = own.get(frames[-1], 0) + int(count)
        for frame in set(frames):
            total[frame] = total.get(frame, 0) + int(count)
    for title, counts in (("own", own), ("with what it calls", total)):
        print(f"\n{title}:")
        for frame, count in sorted(counts.items(), key=lambda one: -one[1])[:TOP]:
            print(f"{count / everything:7.1%}  {frame}")
