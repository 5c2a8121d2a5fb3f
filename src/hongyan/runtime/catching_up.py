"""Letting a reader come to the end of its source, where no server runs."""

from hongyan.domain.log.readers import Reader
from hongyan.kernel.clock import Clock

from .ports import Store
from .reading import ReaderLoop


async def catch_up(store: Store, reader: Reader, clock: Clock) -> None:
    """Let all parts of a reader handle what there is, and return."""
    for part in range(reader.parts):
        await ReaderLoop(store, reader, part, clock, _yes).catch_up()


async def _yes() -> bool:
    return True
