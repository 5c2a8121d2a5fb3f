"""Files that messages carry: their uses are kept, and what is said of them is made true.

A file counts where its ``media_id`` stands: in pictures, voices, videos (with a poster) and
files, in stickers, in the ``media_ids`` of a custom message, and in all of these inside a merged
forward. What else the data of a custom message holds is its developer's business.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from hongyan.domain.log.model import Change, Precondition, Put
from hongyan.domain.media.model import MediaItem, MediaReference
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import LogId, UserId

from .model import Content, Custom, File, Image, Media, MergedForward, Sticker, Text, Video, Voice
from .ports import Attachments

NESTED = ("image", "voice", "video", "file", "sticker", "custom", "forward")
_SEQ_COMES = 0


class Attached(Struct, frozen=True):
    """The additions of a message with files to its commit."""

    content: Content
    """The content, with the details as the server knows them."""
    changes: tuple[Change, ...] = ()
    preconditions: tuple[Precondition, ...] = ()


def carries_files(content: Content) -> bool:
    """Return whether files must be looked up before this may be stored."""
    if type(content) is Text:
        return False
    return any(True for _ in _media_ids(content))


class Attaching:
    """Finds what a message's files change; commits nothing itself.

    Args:
        attachments: Lends files.
    """

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments

    async def attach(
        self,
        user_id: UserId,
        content: Content,
        log_id: LogId,
        seen: Sequence[tuple[LogId, int]] = (),
    ) -> Attached:
        """Return what goes into the commit whose first append, in ``log_id``, shows the content.

        Args:
            user_id: Who shows it.
            content: What is shown; what it says of its files is not believed.
            log_id: Where it is shown.
            seen: Messages in which the user saw these files.

        Raises:
            NoSuchMedia: the user can read no such file.
            LimitReached: there are too many files.
            Invalid: something in a merged forward has no proper shape.
        """
        media_ids = tuple(dict.fromkeys(_media_ids(content)))
        if not media_ids:
            return Attached(content)
        references = await self._attachments.add_references(user_id, media_ids, seen)
        uses = tuple(
            Put(MediaReference(media_id=media_id, log_id=log_id, seq=_SEQ_COMES), seq_field="seq")
            for media_id in media_ids
        )
        return Attached(filled(content, references.items), uses, references.preconditions)

    async def detach(self, log_id: LogId, seq: int) -> tuple[Change, ...]:
        """Return what goes with what was shown at this place."""
        return await self._attachments.remove_references(log_id, seq)

    async def detach_up_to(self, log_id: LogId, last: int, limit: int) -> tuple[Change, ...]:
        """Return what goes with the first ``limit`` files that a log shows up to ``last``."""
        return await self._attachments.remove_references_up_to(log_id, last, limit)


def _media_ids(content: Content) -> Iterator[str]:
    if isinstance(content, Media | Sticker):
        if content.media_id:
            yield content.media_id
        if isinstance(content, Video) and content.poster_id:
            yield content.poster_id
    elif isinstance(content, Custom):
        yield from content.media_ids
    elif isinstance(content, MergedForward):
        for message in content.messages:
            inner = _nested(message.content)
            if inner is not None:
                yield from _media_ids(inner)


def _nested(raw: dict[str, Any]) -> Content | None:
    """Return what a forwarded message holds, if that can carry files.

    Raises:
        Invalid: it says that it does and has another shape.
    """
    if raw.get("type") not in NESTED:
        return None
    try:
        return msgspec.convert(raw, Image | Voice | Video | File | Sticker | Custom | MergedForward)
    except msgspec.ValidationError as error:
        raise Invalid(f"A forwarded message is malformed: {error}") from error


def filled(content: Content, items: Mapping[str, MediaItem]) -> Content:
    """Return the content with the details that the server knows, and no others.

    Of a file that has not been looked into yet, what the sender says of its looks stays: a picture
    keeps its space on the screen, a voice message its length.
    """
    if isinstance(content, MergedForward):
        messages = tuple(
            structs.replace(message, content=_filled_nested(message.content, items))
            for message in content.messages
        )
        return structs.replace(content, messages=messages)
    item = items.get(content.media_id) if isinstance(content, Media) else None
    return content if item is None else structs.replace(content, **_details(content, item))


def _filled_nested(raw: dict[str, Any], items: Mapping[str, MediaItem]) -> dict[str, Any]:
    inner = _nested(raw)
    if inner is None:
        return raw
    made: dict[str, Any] = msgspec.to_builtins(filled(inner, items))
    return made


def _details(content: Content, item: MediaItem) -> dict[str, Any]:
    """Return the fields of the content that follow from the file."""
    details = item.facts
    known: dict[str, Any] = {"mime": item.mime, "size_bytes": item.size_bytes}
    seen = {
        "width": details.width,
        "height": details.height,
        "duration_ms": details.duration_ms,
        "waveform": details.waveform,
        "thumbhash": details.thumbhash,
    }
    if item.state != "processing":
        known |= seen
    return {name: value for name, value in known.items() if name in content.__struct_fields__}
