"""A server for tests that are not in Python: ``python -m tests.ts.server embedded|cluster``.

It does what it reads, a word a line, and answers each with a line: ``start`` (also after a
``kill``) with the URL, ``kill`` with ``killed``; an embedded server also knows ``backup``,
``copied``, and when it was killed ``restore``, ``restored``. At the end of its input it stops all.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hongyan.app.export.backup import back_up, restore
from hongyan.app.progress import ProgressBars
from tests.e2e.servers import Server, opened


def obey(server: Server, folder: Path) -> None:
    """Kill the house and start it again as the input says."""
    for line in sys.stdin:
        if line == "kill\n":
            server.kill()
            print("killed", flush=True)
        elif line == "start\n":
            server.start()
            print(server.url, flush=True)
        elif line == "backup\n":
            back_up(folder / "data", None, folder / "copy", ProgressBars())
            print("copied", flush=True)
        elif line == "restore\n":
            shutil.rmtree(folder / "data")
            restore(folder / "copy", folder / "data", ProgressBars())
            print("restored", flush=True)
        else:
            raise ValueError(line)


def main(kind: str) -> None:
    """Open a house of this kind, tell its URL, and obey."""
    with (
        TemporaryDirectory(prefix=f"hongyan-{kind}-") as folder,
        opened(kind, Path(folder)) as server,
    ):
        print(server.url, flush=True)
        obey(server, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
