"""Progress on standard error; nothing where that is no terminal."""

from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

OnProgress = Callable[[int, int], None]
"""Takes how much is done, of how much."""


def no_progress(_done: int, _total: int) -> None:
    """A ``OnProgress`` for nobody."""


class ProgressBars:
    """One bar for each stage of a long work; use it with ``with``."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def stage(self, text: str) -> OnProgress:
        """Begin a stage, and return what takes its progress; any thread may call it."""
        task = self._progress.add_task(text, total=None)

        def report(done: int, total: int) -> None:
            self._progress.update(task, completed=done, total=total)

        return report

    def __enter__(self) -> "ProgressBars":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
