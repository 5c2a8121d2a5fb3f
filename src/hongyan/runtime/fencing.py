"""Terms: whoever begins a work shuts out all who began it before."""

from hongyan.domain.log.model import Commit, Expect, Stale, Touch
from hongyan.domain.log.ports import Log
from hongyan.domain.log.readers import fence_of


async def new_term(log: Log, work: str) -> Expect:
    """Begin a term, and return what holds until the next one begins.

    A lease can be lost unnoticed (a process stood still for longer than it lasts); the store
    then refuses every commit that expects the older term.
    """
    fence = fence_of(work)
    while True:
        epoch = (await log.heads([fence]))[fence].epoch
        try:
            await log.commit(Commit(changes=(Touch(fence),), expects=(Expect(fence, epoch),)))
        except Stale:
            continue
        return Expect(fence, epoch + 1)
