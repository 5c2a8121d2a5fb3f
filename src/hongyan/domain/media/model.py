"""Rows of files: uploads under way, media, what uses them, and how much each user keeps.

The bytes are objects named by their SHA-256 (``object_name``), stored once however many media
have them. The version of ``content_log`` guards all media of one content: whoever makes one,
gives one a use, or collects one, expects it; whoever makes or collects one raises it.

A guard must outlive what it guards, or somebody late would take its first version for what was
seen. So guards are never removed, and contents and uploads share them by how they begin.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from msgspec import Struct

from hongyan.domain.log.model import Precondition, Row, Table
from hongyan.kernel.ids import LogId, UserId

MEDIA_READY = "media.ready"
"""In the owner's log: what is known of a file is complete. Body: ``MediaInfo``."""

State = Literal["processing", "ready", "refused"]
"""``refused``: the server could make no preview of it (broken, too large, a bomb); the file
itself can be sent and downloaded all the same."""
Variant = Literal["", "thumb", "preview", "poster"]
"""The file itself; a WebP of at most 320 pixels; one of at most 1280; a video's first picture."""
VARIANT_MIME = "image/webp"

AVATAR_SEQ = 0
"""The ``seq`` of a use as an avatar."""


def content_log(sha256: str) -> LogId:
    """Return the log, for ever without entries, whose version guards the media of a content.

    There are 65,536. To share one with another content costs a second look, when that one's
    media change at the very moment.
    """
    return LogId("#" + sha256[:4])


def usage_log(user_id: UserId) -> LogId:
    """Return the log, for ever without entries, whose version guards what a user keeps here."""
    return LogId("^" + user_id)


def upload_log(upload_id: str) -> LogId:
    """Return the log, for ever without entries, whose version guards how far an upload is.

    There are 32,768, shared as those of contents are.
    """
    return LogId("^" + upload_id[:4])


def object_name(sha256: str, variant: str = "") -> str:
    """Return the name of the object that holds a content, or a smaller picture of it."""
    suffix = f".{variant}.webp" if variant else ""
    return f"{sha256[:2]}/{sha256}{suffix}"


class MediaDetails(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Details found by looking into a file."""

    width: int = 0
    """Pixels, as it is to be shown: a rotation in the file has been applied."""
    height: int = 0
    duration_ms: int = 0
    waveform: tuple[int, ...] = ()
    """Of sound without pictures: 64 values of loudness from 0 to 31."""
    thumbhash: str = ""
    """A blurred picture in some 25 bytes (ThumbHash), in base64."""
    variants: tuple[Variant, ...] = ()
    """The smaller pictures that can be downloaded."""


class Upload(Row, frozen=True, kw_only=True):
    """A file that is being sent to the server, or was until a short while ago."""

    TABLE: ClassVar = Table(
        "upload",
        key=("upload_id",),
        indexes={"by_owner": ("owner_id",), "by_expiry": ("expires_at_ms",)},
    )

    upload_id: str
    owner_id: UserId
    length_bytes: int
    offset_bytes: int = 0
    """Bytes that are durable; what was written behind them does not count."""
    name: str = ""
    media_id: str = ""
    """The media it became; empty until it is complete."""
    expires_at_ms: int = 0


class MediaItem(Row, frozen=True, kw_only=True):
    """One file as its owner sent it."""

    TABLE: ClassVar = Table(
        "media",
        key=("media_id",),
        indexes={
            "by_owner": ("owner_id", "created_at_ms"),
            "by_content": ("sha256", "owner_id"),
            "by_state": ("state", "created_at_ms"),
        },
    )

    media_id: str
    owner_id: UserId
    sha256: str
    """Of the bytes, 64 hexadecimal digits."""
    size_bytes: int
    mime: str
    """The type by the bytes, whatever the name says."""
    name: str = ""
    state: State = "processing"
    is_plain: bool = False
    """Whether a browser may show the file itself: of a kind that holds no active content, and
    nothing in it looks like another kind."""
    facts: MediaDetails = MediaDetails()
    created_at_ms: int = 0
    is_ending: bool = False
    """Nothing used it for long: it takes no new use and goes at the next look."""


class MediaReference(Row, frozen=True, kw_only=True):
    """A message, a scheduled message or an avatar that shows a media.

    It goes in the commit that stores what shows the media, and goes when that ends.
    """

    TABLE: ClassVar = Table(
        "media_use",
        key=("media_id", "log_id", "seq"),
        indexes={"by_place": ("log_id", "seq"), "by_seq": ("media_id", "seq")},
    )

    media_id: str
    log_id: LogId
    """The conversation of the message; a user's own log for what only that user sees (and for
    the user's avatar); the group's for a group's avatar."""
    seq: int
    """The message's; ``AVATAR_SEQ`` for an avatar."""


class MediaCheck(Row, frozen=True, kw_only=True):
    """A media at which is to be looked, whether anything uses it."""

    TABLE: ClassVar = Table("media_check", key=("media_id",), indexes={"by_due": ("due_at_ms",)})

    media_id: str
    due_at_ms: int


class Doomed(Row, frozen=True, kw_only=True):
    """A content that no media has any more: its objects are being deleted."""

    TABLE: ClassVar = Table("media_doomed", key=("sha256",))

    sha256: str


class MediaUsage(Row, frozen=True, kw_only=True):
    """One user's storage usage. Guarded by ``usage_log``."""

    TABLE: ClassVar = Table("media_usage", key=("user_id",))

    user_id: UserId
    used_bytes: int = 0
    """Of all media that the user owns."""
    reserved_bytes: int = 0
    """The full lengths of the uploads under way."""
    uploads: int = 0
    """Uploads under way."""


class MediaInfo(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A media as one sees it who may read it."""

    media_id: str
    sha256: str
    size_bytes: int
    mime: str
    name: str
    state: State
    """While it is ``processing``, ``facts`` is empty."""
    facts: MediaDetails = MediaDetails()
    created_at_ms: int = 0


def media_info(item: MediaItem) -> MediaInfo:
    """Return what is shown of the row."""
    return MediaInfo(**{name: getattr(item, name) for name in MediaInfo.__struct_fields__})


class ReferencedMedia(Struct, frozen=True):
    """Media that somebody may give a use, as of the versions that the commit is to expect."""

    items: Mapping[str, MediaItem] = {}
    """By media id."""
    preconditions: tuple[Precondition, ...] = ()
