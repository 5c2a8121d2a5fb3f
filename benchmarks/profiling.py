"""Where the server spends its time: py-spy samples all of its threads and slows nothing down."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import servers

TOP = 40
RATE_HZ = 500


def profile(scenario: Callable[[], Any]) -> None:
    """Run a scenario with the server watched, and print the top costs."""
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        sys.exit("py-spy is needed: pip install py-spy")
    with tempfile.TemporaryDirectory(prefix="hongyan-profile-") as folder:
        out = Path(folder) / "samples"
        options = ("--format", "raw", "--rate", str(RATE_HZ), "--nonblocking", "--threads")
        servers.PROFILER = (spy, "record", *options, "--output", str(out))
        scenario()
        show(out.read_text())


def show(samples: str) -> None:
    """Print the threads, then the functions by their own samples and with what they call."""
    threads: dict[str, int] = {}
    own: dict[str, int] = {}
    total: dict[str, int] = {}
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        threads[thread] = threads.get(thread, 0) + int(count)
        if frames:
            own[frames[-1]] = own.get(frames[-1], 0) + int(count)
        for frame in set(frames):
            total[frame] = total.get(frame, 0) + int(count)
    everything = sum(threads.values())
    for title, counts in (("threads", threads), ("own", own), ("with what it calls", total)):
        print(f"\n{title}:")
        for frame, samples_of in sorted(counts.items(), key=lambda one: -one[1])[:TOP]:
            print(f"{samples_of / everything:7.1%}  {frame}")
