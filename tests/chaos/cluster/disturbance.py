"""Disturbances of a process: how wrong its clock is and how slow its disk."""

import mmap
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("disturbance.c")
LAYOUT = struct.Struct("ll")


def build(folder: Path) -> Path:
    """Compile what is preloaded; the folder must be readable for every user."""
    library = folder / "disturbance.so"
    subprocess.run(
        ("cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"), check=True
    )
    return library


class Disturbance:
    """What one process, and those it starts, shall see from now on.

    Args:
        library: From ``build``.
        path: A file that does not exist yet.
    """

    def __init__(self, library: Path, path: Path) -> None:
        path.write_bytes(LAYOUT.pack(0, 0))
        path.chmod(0o644)
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), LAYOUT.size)
        self.environment = {"LD_PRELOAD": str(library), "WEATHER_FILE": str(path)}

    def change(self, clock_offset_s: int = 0, sync_delay_ms: int = 0) -> None:
        """Let the clock be off by so much, and each fsync wait so long."""
        self._shared[:] = LAYOUT.pack(clock_offset_s, sync_delay_ms * 1000)
