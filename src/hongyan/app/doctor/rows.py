"""The part of ``hongyan doctor`` that reads rows, the audit log and files, of any store."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import apsw
import msgspec

from hongyan.app.export.exporter import ExportSource
from hongyan.app.progress import ProgressBars
from hongyan.domain.admin.model import AUDIT_LOG, AuditRecord
from hongyan.domain.admin.rules import seal
from hongyan.domain.catalog import ROWS
from hongyan.domain.group.model import Group, Member, MemberCount, Role
from hongyan.domain.log.model import Row
from hongyan.domain.log.readers import PassedEntry
from hongyan.domain.media.model import MediaItem, object_name
from hongyan.domain.media.ports import Downloads
from hongyan.kernel.errors import NotFound, Unavailable
from hongyan.kernel.ids import Kind, kind_of

from .diagnostics import Diagnostic, fine, problem, troubles, warning

R = TypeVar("R", bound=Row)
Again = Callable[[], AbstractAsyncContextManager[ExportSource]]
PAGE = 1_000
FUTURE_MS = 300_000
SHOWN = 5


async def examine_rows(
    snapshot: ExportSource,
    again: Again,
    downloads: Downloads,
    mend: str,
    deep: bool,
    progress: ProgressBars,
) -> list[Diagnostic]:
    """Look at what the services keep.

    Args:
        snapshot: Everything, at one moment.
        again: Opens a later snapshot.
        downloads: Where the files are.
        mend: What to do where rows contradict each other.
        deep: Read every row and every byte.
        progress: Shows how far it is.
    """
    diagnostics = await _rows(snapshot, mend, deep)
    diagnostics += await _audit(snapshot)
    diagnostics += await _passed(snapshot)
    return diagnostics + await _files(snapshot, again, downloads, deep, progress)


def clock(newest_ms: int) -> Diagnostic:
    """Compare this machine's clock with when the newest entries were sent."""
    ahead_ms = newest_ms - time.time() * 1000
    if ahead_ms <= FUTURE_MS:
        return fine("clock", "The clock is not behind the newest entries.")
    text = f"The newest entries are {ahead_ms / 60_000:.0f} minutes ahead of the clock."
    return warning("clock", text, "Set this machine's clock, and let NTP keep it.")


async def each(snapshot: ExportSource, row: type[R]) -> AsyncIterator[R]:
    """Yield all rows of a type; none where the table is not there yet."""
    after: tuple[Any, ...] = ()
    while True:
        try:
            page = await snapshot.scan(row, after=after, limit=PAGE)
        except apsw.SQLError as error:
            if "no such table" in str(error):
                return  # an older version wrote this folder, and made none
            raise
        for one in page:
            yield one
        if len(page) < PAGE:
            return
        after = page[-1].key()


async def _rows(snapshot: ExportSource, mend: str, deep: bool) -> list[Diagnostic]:
    found = [*[text async for text in _groups(snapshot)], *[t async for t in _pairs(snapshot)]]
    diagnostics = troubles("groups", found, "Members, counts and owners of all groups fit.", mend)
    if deep:
        unreadable = [text async for text in _unreadable(snapshot)]
        all_well = f"Every row of {len(ROWS)} tables can be read."
        diagnostics += troubles("rows", unreadable, all_well, mend)
    return diagnostics


async def _groups(snapshot: ExportSource) -> AsyncIterator[str]:
    rolls = {
        member_count.conversation_id: member_count.member_count
        async for member_count in each(snapshot, MemberCount)
    }
    async for group in each(snapshot, Group):
        conversation_id = group.conversation_id
        count = await snapshot.count(Member, conversation_id, True, by="of_conversation")
        if rolls.pop(conversation_id, None) != count:
            yield f"the member count of {conversation_id} is not {count}, which are in it"
        if group.dissolved:
            continue
        owner = await snapshot.get(Member, conversation_id, group.owner_id)
        if owner is None or not owner.active or owner.role != Role.OWNER:
            yield f"the owner of {conversation_id} is not its owner among the members"
    for conversation_id in rolls:
        yield f"members are counted for {conversation_id}, which is no group"


async def _pairs(snapshot: ExportSource) -> AsyncIterator[str]:
    """Yield direct conversations that have not two members."""
    counts: dict[str, int] = {}
    async for member in each(snapshot, Member):
        if kind_of(member.conversation_id) == Kind.DIRECT:
            counts[member.conversation_id] = counts.get(member.conversation_id, 0) + 1
            if counts[member.conversation_id] == 2:
                del counts[member.conversation_id]
    for conversation_id in list(counts)[:SHOWN]:
        yield f"the direct conversation {conversation_id} has not two members"


async def _unreadable(snapshot: ExportSource) -> AsyncIterator[str]:
    for row in ROWS:
        try:
            async for _ in each(snapshot, row):
                pass
        except msgspec.MsgspecError as error:
            yield f"a row of {row.TABLE.name} cannot be read: {error}"


async def _files(
    snapshot: ExportSource, again: Again, downloads: Downloads, deep: bool, progress: ProgressBars
) -> list[Diagnostic]:
    """Compare the files that people sent with the bytes that are there."""
    report = progress.stage("files")
    total = await snapshot.count(MediaItem)
    wrong: dict[str, str] = {}
    done = 0
    seen: set[str] = set()
    async for item in each(snapshot, MediaItem):
        done += 1
        report(done, total)
        if item.sha256 in seen:
            continue
        seen.add(item.sha256)
        name = object_name(item.sha256)
        trouble = await _trouble(downloads, name, item, deep)
        if trouble:
            where = downloads.path(name) or name
            wrong[item.media_id] = f"{item.media_id} ({item.name}): {where} {trouble}"
    if wrong:  # what ended while we looked is no trouble
        async with again() as now:
            there = await now.get_many(MediaItem, [(media_id,) for media_id in wrong])
        wrong = {media_id: text for media_id, text in wrong.items() if media_id in there}
    more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    shown = [*list(wrong.values())[:SHOWN], *more]
    looked = "read and compared" if deep else "there, with their sizes"
    remedy = "Copy the file to its place from a backup (its name there is the same)."
    return troubles("files", shown, f"{len(seen)} contents are {looked}.", remedy)


async def _trouble(downloads: Downloads, name: str, item: MediaItem, deep: bool) -> str:
    """Return what is wrong with the bytes of a file; empty for nothing."""
    try:
        found_bytes = await downloads.size(name)
        if found_bytes != item.size_bytes:
            return f"has {found_bytes} bytes instead of {item.size_bytes}"
        if not deep:
            return ""
        digest = hashlib.sha256()
        async for piece in downloads.read(name, 0, found_bytes):
            await asyncio.to_thread(digest.update, piece)
    except NotFound:
        return "is not there"
    except (Unavailable, OSError) as error:
        return f"cannot be read: {error}"
    return "" if digest.hexdigest() == item.sha256 else "holds other bytes than were sent"


async def _passed(snapshot: ExportSource) -> list[Diagnostic]:
    """Return what readers of the logs could not handle."""
    rows = [row async for row in each(snapshot, PassedEntry)]
    if not rows:
        return [fine("readers", "No reader of the logs passed over an entry.")]
    first = rows[0]
    text = f"{len(rows)} entries could not be handled, the first one by {first.reader}"
    text += f" ({first.log_id} {first.seq}): {first.error}"
    return [warning("readers", text, "Mend the cause, then run: hongyan readers retry READER")]


async def _audit(snapshot: ExportSource) -> list[Diagnostic]:
    """Follow the audit log's chain of hashes from its beginning to its end."""
    before, number = "", 0
    async for record in each(snapshot, AuditRecord):
        number += 1
        if record.number != number:
            text = f"Record {number} of the audit log is missing."
            return [problem("audit", text, "Somebody altered the database; ask who could.")]
        if seal(record, before) != record.hash:
            text = f"Record {number} of the audit log is not what was written."
            return [problem("audit", text, "Somebody altered the database; ask who could.")]
        before = record.hash
    wanted = (await snapshot.states([AUDIT_LOG]))[AUDIT_LOG].version
    if wanted != number:
        text = f"The audit log ends at {number}; {wanted} acts were noted."
        return [problem("audit", text, "Somebody altered the database; ask who could.")]
    return [fine("audit", f"{number} records, each sealed by the one after it.")]
