"""Deciding on what may change meanwhile: load, decide, commit, and again when stale."""

from collections.abc import Awaitable, Callable

from hongyan.kernel.errors import Busy

from .model import Commit, Entry, VersionConflict
from .ports import Log

ATTEMPTS = 8


async def decide(log: Log, attempt: Callable[[], Awaitable[Commit]]) -> tuple[Entry, ...]:
    """Commit what ``attempt`` decides, deciding anew whenever its state has become stale.

    ``attempt`` reads the log's head before the rows that it judges, names that version in an
    ``Precondition``, and raises a ``Refusal`` where the rules say no.

    Raises:
        Busy: others changed the same state ``ATTEMPTS`` times in between.
    """
    for _ in range(ATTEMPTS):
        commit = await attempt()
        try:
            return await log.commit(commit)
        except VersionConflict:
            continue
    raise Busy
