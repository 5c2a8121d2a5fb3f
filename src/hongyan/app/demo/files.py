"""Pictures and documents for ``hongyan demo``, drawn and written here."""

import random
import struct
import zlib
from collections.abc import Awaitable, Callable

from msgspec import Struct

from hongyan.domain.media.commands import AdvanceUpload, CreateUpload, FinishUpload
from hongyan.domain.media.ports import Staging
from hongyan.domain.message.model import Content, File, Image
from hongyan.kernel.bus import Actor, Caller

Colour = tuple[int, int, int]
Draw = Callable[[int, int], Colour]
"""Gives the colour at a place: from the left, from the top."""

INKS: tuple[Colour, ...] = ((29, 99, 237), (18, 140, 100), (217, 119, 6), (190, 40, 80))
PAPER: Colour = (250, 250, 247)


class Document(Struct, frozen=True):
    """A file that somebody shares."""

    name: str
    data: bytes
    caption: str
    size: tuple[int, int] = (0, 0)
    """Width and height of a picture."""


def png(width: int, height: int, draw: Draw) -> bytes:
    """Return a picture as PNG (RFC 2083), eight bits for each colour."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(width) for part in draw(x, y)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def avatar(choose: random.Random) -> bytes:
    """Return a square picture with a pattern that is the same on either side."""
    ink = choose.choice(INKS)
    cells = {(x, y) for x in range(3) for y in range(5) if choose.random() < 0.55}

    def draw(x: int, y: int) -> Colour:
        column, row = (x - 14) // 20, (y - 14) // 20
        return ink if (min(column, 4 - column), row) in cells else PAPER

    return png(128, 128, draw)


def chart(choose: random.Random) -> bytes:
    """Return a bar chart that goes up, as charts do."""
    ink = choose.choice(INKS)
    heights = [40 + place * 15 + choose.randint(-12, 12) for place in range(12)]

    def draw(x: int, y: int) -> Colour:
        place, inside = divmod(x - 20, 36)
        if 0 <= place < 12 and inside < 26 and 250 - heights[place] < y < 250:
            return ink
        return (210, 210, 205) if y in (90, 170, 250) else PAPER

    return png(480, 270, draw)


def documents(choose: random.Random) -> list[Document]:
    """Return what people share."""
    lines = [f"2026-{month:02},{choose.randint(800, 4_000)}" for month in range(1, 13)]
    table = "\r\n".join(["month,active users", *lines])
    notes = (
        "周会纪要 Weekly notes\n\n"
        "1. 2.0 版本按计划月底发布。 Version 2.0 is on schedule.\n"
        "2. 登录页改版通过评审。 The new login page was approved.\n"
        "3. 下周二客户演示，地点海棠厅。 Customer demo next Tuesday, Room Begonia.\n"
    )
    return [
        Document("活跃用户.png", chart(choose), "本月活跃用户 Active users", (480, 270)),
        Document("响应时间.png", chart(choose), "", (480, 270)),
        Document("weekly-notes.txt", notes.encode(), "周会纪要，请查收。 Notes of our meeting."),
        Document("active-users.csv", table.encode(), ""),
    ]


class DemoFiles:
    """Uploads through the media service, as a client does.

    Args:
        caller: Reaches the service.
        staging: Where the bytes of uploads go.
        look: Makes previews of some files; returns how many.
    """

    def __init__(
        self, caller: Caller, staging: Staging, look: Callable[[int], Awaitable[int]]
    ) -> None:
        self._caller = caller
        self._staging = staging
        self._look = look

    async def upload(self, actor: Actor, name: str, data: bytes) -> str:
        """Return the id of the media that somebody's file became."""
        create = CreateUpload(length_bytes=len(data), name=name)
        upload_id = (await self._caller.call(actor, create)).upload_id
        part = await self._staging.open(upload_id, 0)
        try:
            await part.write(data)
            offset = await part.sync()
        finally:
            await part.close()
        await self._caller.call(actor, AdvanceUpload(upload_id=upload_id, offset_bytes=offset))
        return (await self._caller.call(actor, FinishUpload(upload_id=upload_id))).media_id

    async def settle(self) -> None:
        """Wait for the previews of all files."""
        while await self._look(0):
            pass

    async def content(self, actor: Actor, document: Document) -> Content:
        """Upload a document and return what a message says of it."""
        media_id = await self.upload(actor, document.name, document.data)
        size, name, caption = len(document.data), document.name, document.caption
        if document.size == (0, 0):
            return File(media_id=media_id, name=name, size_bytes=size, caption=caption)
        width, height = document.size
        return Image(
            media_id=media_id,
            name=name,
            mime="image/png",
            size_bytes=size,
            caption=caption,
            width=width,
            height=height,
        )
