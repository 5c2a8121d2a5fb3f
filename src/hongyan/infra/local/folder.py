"""One process at a time may work on a data folder: a lock that dies with its process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

LOCK_FILE = "lock"


class FolderInUse(Exception):
    """Another process works on the folder."""


class FolderLock:
    """Holds the folder from ``with`` to its end.

    The kernel frees the lock when the process ends, however it ends; the file stays.

    Raises:
        FolderInUse: on entering, when another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._file: int | None = None

    def __enter__(self) -> "FolderLock":
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            raise FolderInUse(str(self._path.parent)) from error
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
