"""Notes of entries that could not be handled."""

from hongyan.domain.log.model import Entry
from hongyan.domain.log.readers import PassedEntry, ReaderPage

from .ports import Store

ERROR_MAX = 200


async def note_passed(
    store: Store, work: str, page: ReaderPage, tries: int, error: str, now_ms: int
) -> PassedEntry:
    """Return the row for a page that was given up."""
    newest = await store.scan(PassedEntry, work, limit=1, order="newest")
    item = page.items[0]
    entry = item[1] if isinstance(item, tuple) and isinstance(item[-1], Entry) else None
    return PassedEntry(
        reader=work,
        number=newest[0].number + 1 if newest else 1,
        after=page.after.hex(),
        end=page.end.hex(),
        log_id=entry.log_id if entry is not None else "",
        seq=entry.seq if entry is not None else 0,
        kind=entry.kind if entry is not None else "",
        at_ms=now_ms,
        tries=tries,
        error=error[:ERROR_MAX],
    )
