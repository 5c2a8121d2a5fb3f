"""The part of ``hongyan doctor`` that looks into the database and the files."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from hongyan.domain.admin.model import AUDIT_LOG, AuditRecord
from hongyan.domain.admin.rules import seal
from hongyan.domain.catalog import ROWS
from hongyan.domain.group.model import Group, Member, Role, Roll
from hongyan.domain.log.model import Row
from hongyan.domain.media.model import MediaItem, object_name
from hongyan.domain.media.ports import Downloads
from hongyan.domain.message.model import MESSAGE
from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.sqlite.inspection import check_file, check_indexes, check_logs
from hongyan.infra.sqlite.snapshot import SqliteSnapshot
from hongyan.kernel.errors import NotFound, Unavailable
from hongyan.kernel.ids import Kind, kind_of

from .bars import Bars
from .composition import DATABASE
from .findings import Finding, fine, problem, troubles, warning
from .objects import FOLDER

R = TypeVar("R", bound=Row)
PAGE = 1_000
FUTURE_MS = 300_000
SHOWN = 5
MEND = "Restore the newest backup beside it (hongyan restore), and keep this folder to look into."


async def examine_database(
    folder: Path, deep: bool, bars: Bars, downloads: Downloads | None = None
) -> list[Finding]:
    """Look at the database as it stands now; a server may work on it meanwhile.

    Args:
        folder: The data folder.
        deep: Read everything.
        bars: Shows how far it is.
        downloads: Where the files are; None takes the data folder.
    """
    try:
        snapshot = await asyncio.to_thread(SqliteSnapshot, folder / DATABASE, ROWS)
    except apsw.Error as error:
        return [problem("database", f"{DATABASE} cannot be opened: {error}", MEND)]
    downloads = downloads or FolderObjects(folder / FOLDER)
    async with snapshot:
        try:
            findings = await asyncio.to_thread(_file, snapshot.connection, deep, bars)
            findings += await _rows(snapshot, deep)
            findings += await _audit(snapshot)
            findings += await _files(snapshot, folder, downloads, deep, bars)
        except apsw.Error as error:
            return [problem("database", f"{DATABASE} cannot be read: {error}", MEND)]
    return findings


def _file(connection: apsw.Connection, deep: bool, bars: Bars) -> list[Finding]:
    found = list(check_file(connection, deep))
    if found:
        return troubles("database", found, "", MEND)
    logs = [*check_logs(connection, (MESSAGE,), bars.stage("entries"))]
    logs += check_indexes(connection, deep)
    (entries,) = connection.execute("SELECT count(*) FROM entry").fetchone() or (0,)
    findings = [fine("database", "SQLite finds the file whole.")]
    findings += troubles(
        "logs", logs, f"{entries} entries without gaps; ordinals, heads and cursors fit.", MEND
    )
    return [*findings, *_clock(connection)]


def _clock(connection: apsw.Connection) -> Iterator[Finding]:
    (newest,) = connection.execute(
        "SELECT max(sent_at_ms) FROM (SELECT sent_at_ms FROM entry ORDER BY pos DESC LIMIT 1000)"
    ).fetchone() or (None,)
    ahead_ms = (newest or 0) - time.time() * 1000
    if ahead_ms > FUTURE_MS:
        text = f"The newest entries are {ahead_ms / 60_000:.0f} minutes ahead of the clock."
        yield warning("clock", text, "Set this machine's clock, and let NTP keep it.")
    else:
        yield fine("clock", "The clock is not behind the newest entries.")


async def each(snapshot: SqliteSnapshot, row: type[R]) -> AsyncIterator[R]:
    """Yield all rows of a type; none where the table is not there yet."""
    after: tuple[Any, ...] = ()
    while True:
        try:
            page = await snapshot.scan(row, after=after, limit=PAGE)
        except apsw.SQLError as error:
            if "no such table" in str(error):
                return
            raise
        for one in page:
            yield one
        if len(page) < PAGE:
            return
        after = page[-1].key()


async def _rows(snapshot: SqliteSnapshot, deep: bool) -> list[Finding]:
    found = [*[text async for text in _groups(snapshot)], *[t async for t in _pairs(snapshot)]]
    findings = troubles("groups", found, "Members, counts and owners of all groups fit.", MEND)
    if deep:
        unreadable = [text async for text in _unreadable(snapshot)]
        all_well = f"Every row of {len(ROWS)} tables can be read."
        findings += troubles("rows", unreadable, all_well, MEND)
    return findings


async def _groups(snapshot: SqliteSnapshot) -> AsyncIterator[str]:
    rolls = {roll.conversation_id: roll.member_count async for roll in each(snapshot, Roll)}
    async for group in each(snapshot, Group):
        place = group.conversation_id
        count = await snapshot.count(Member, place, True, by="of_conversation")
        if rolls.pop(place, None) != count:
            yield f"the member count of {place} is not {count}, which are in it"
        if group.dissolved:
            continue
        owner = await snapshot.get(Member, place, group.owner_id)
        if owner is None or not owner.active or owner.role != Role.OWNER:
            yield f"the owner of {place} is not its owner among the members"
    for place in rolls:
        yield f"members are counted for {place}, which is no group"


async def _pairs(snapshot: SqliteSnapshot) -> AsyncIterator[str]:
    """Yield direct conversations that have not two members."""
    counts: dict[str, int] = {}
    async for member in each(snapshot, Member):
        if kind_of(member.conversation_id) == Kind.DIRECT:
            counts[member.conversation_id] = counts.get(member.conversation_id, 0) + 1
            if counts[member.conversation_id] == 2:
                del counts[member.conversation_id]
    for place in list(counts)[:SHOWN]:
        yield f"the direct conversation {place} has not two members"


async def _unreadable(snapshot: SqliteSnapshot) -> AsyncIterator[str]:
    for row in ROWS:
        try:
            async for _ in each(snapshot, row):
                pass
        except msgspec.MsgspecError as error:
            yield f"a row of {row.TABLE.name} cannot be read: {error}"


async def _files(
    snapshot: SqliteSnapshot, folder: Path, downloads: Downloads, deep: bool, bars: Bars
) -> list[Finding]:
    """Compare the files that people sent with the bytes that are there."""
    tell = bars.stage("files")
    total = await snapshot.count(MediaItem)
    wrong: dict[str, str] = {}
    done = 0
    seen: set[str] = set()
    async for item in each(snapshot, MediaItem):
        done += 1
        tell(done, total)
        if item.sha256 in seen:
            continue
        seen.add(item.sha256)
        name = object_name(item.sha256)
        trouble = await _trouble(downloads, name, item, deep)
        if trouble:
            where = downloads.path(name) or name
            wrong[item.media_id] = f"{item.media_id} ({item.name}): {where} {trouble}"
    if wrong:  # what ended while we looked is no trouble
        async with SqliteSnapshot(folder / DATABASE, ROWS) as now:
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


async def _audit(snapshot: SqliteSnapshot) -> list[Finding]:
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
    wanted = (await snapshot.heads([AUDIT_LOG]))[AUDIT_LOG].epoch
    if wanted != number:
        text = f"The audit log ends at {number}; {wanted} acts were noted."
        return [problem("audit", text, "Somebody altered the database; ask who could.")]
    return [fine("audit", f"{number} records, each sealed by the one after it.")]
