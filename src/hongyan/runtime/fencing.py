"""Terms: whoever begins a work shuts out all who began it before."""

from hongyan.domain.log.model import Bump, Commit, Precondition, VersionConflict
from hongyan.domain.log.ports import Log
from hongyan.domain.log.readers import fence_of


async def new_term(log: Log, work: str) -> Precondition:
    """Begin a term, and return what holds until the next one begins.

    A lease can be lost unnoticed (a process stood still for longer than it lasts); the store
    then refuses every commit that expects the older term.
    """
    fence = fence_of(work)
    while True:
        version = (await log.states([fence]))[fence].version
        try:
            await log.commit(
                Commit(changes=(Bump(fence),), preconditions=(Precondition(fence, version),))
            )
        except VersionConflict:
            continue
        return Precondition(fence, version + 1)
