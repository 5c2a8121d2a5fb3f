"""Running a coroutine without a task, for the hot path."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Eager:
    """Runs a coroutine at once up to its first wait, and on from there when that is over.

    Costs a third of a task. Only for a coroutine that awaits nothing but futures (locks and
    executors are futures): ``asyncio.timeout`` and the like ask for the current task, and
    here is none. It cannot be cancelled.

    Args:
        work: The coroutine.
        done: Called with what it returned, or with what it raised.
    """

    __slots__ = ("_done", "_work")

    def __init__(
        self,
        work: Coroutine[Any, Any, Any],
        done: Callable[[Any, Exception | None], None],
    ) -> None:
        self._work = work
        self._done = done
        self._step()

    def _step(self, _: object = None) -> None:
        try:
            waited = self._work.send(None)
        except StopIteration as stop:
            self._done(stop.value, None)
        except Exception as error:
            self._done(None, error)
        else:
            if waited is None:
                asyncio.get_running_loop().call_soon(self._step)
            else:
                waited._asyncio_future_blocking = False
                waited.add_done_callback(self._step)
