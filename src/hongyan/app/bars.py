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

Tell = Callable[[int, int], None]
"""Takes how much is done, of how much."""


def say_nothing(_done: int, _total: int) -> None:
    """A ``Tell`` for nobody."""


class Bars:
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

    def stage(self, text: str) -> Tell:
        """Begin a stage, and return what is told how far it has come; any thread may tell."""
        task = self._progress.add_task(text, total=None)

        def tell(done: int, total: int) -> None:
            self._progress.update(task, completed=done, total=total)

        return tell

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
