"""Commands of the media service, with answers and refusals.

The bytes themselves travel by HTTP: up by tus at ``/api/v1/uploads``, down by
``GET /api/v1/media/{media_id}``. The HTTP server there asks the internal commands.
"""

from msgspec import Struct

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import Invalid, LimitReached, NotFound, Unauthenticated
from hongyan.kernel.ids import ConversationId, UserId

from .model import MediaInfo, Variant

# --- what clients ask ---


class GetMedia(Command[MediaInfo], frozen=True, kw_only=True):
    """Return what is known of a file: its type, size, dimensions, previews.

    Who may: its owner, who can see a message that shows it, and for an avatar everybody. A
    message may be sent while its file is still ``processing``; then its content lacks the
    dimensions, and this returns them once ``state`` is another.

    Raises:
        NoSuchMedia: there is none, or it is not for the caller.
    """

    METHOD = "media.get"
    READS_ONLY = True

    media_id: str
    conversation_id: ConversationId = ConversationId("")
    """The conversation where the caller saw it, with ``seq``: needed only for a file that thousands
    of messages show, which are not all looked through."""
    seq: int = 0


class Ticket(Struct, frozen=True):
    """A way to download a file without a header, for ``<img>`` and ``<video>``."""

    url: str
    """Below the server's address. It names the caller, and is good for the caller's rights at
    the time of each download: treat it as a secret."""
    expires_at_ms: int


class MakeTicket(Command[Ticket], frozen=True, kw_only=True):
    """Make a link that downloads one file, or a smaller picture of it, for some minutes.

    Raises:
        NoSuchMedia: there is no such file or picture, or it is not for the caller.
    """

    METHOD = "media.ticket"
    READS_ONLY = True

    media_id: str
    variant: Variant = ""
    conversation_id: ConversationId = ConversationId("")
    """As in ``media.get``."""
    seq: int = 0


class ClaimMedia(Command[MediaInfo], frozen=True, kw_only=True):
    """Have a file without sending its bytes, if the caller can read the same bytes already.

    Raises:
        NoSuchMedia: the caller can read no such file; whether another can is not said.
        QuotaExceeded: it would be more than the caller may keep.
        Invalid: ``sha256`` or the name is malformed.
    """

    METHOD = "media.claim"

    sha256: str
    """64 lower-case hexadecimal digits."""
    size_bytes: int
    name: str = ""


class Usage(Struct, frozen=True):
    """The caller's storage usage."""

    used_bytes: int
    reserved_bytes: int
    """Held for uploads under way."""
    quota_bytes: int
    """The limit of both together; 0 means no limit."""
    file_bytes_max: int
    """The largest single file."""


class GetUsage(Command[Usage], frozen=True, kw_only=True):
    """Return how much the caller keeps on the server, and how much that may be."""

    METHOD = "media.usage"
    READS_ONLY = True


# --- what the HTTP server asks ---


class UploadInfo(Struct, frozen=True):
    """The progress of an upload."""

    upload_id: str
    length_bytes: int
    offset_bytes: int
    expires_at_ms: int
    media_id: str = ""
    """The media, once the upload is finished."""


class CreateUpload(Command[UploadInfo], frozen=True, kw_only=True):
    """Announce a file, and reserve its room.

    Raises:
        FileTooLarge, QuotaExceeded: there is no room for it.
        LimitReached: too many uploads are under way.
        Invalid: a negative length or an impossible name.
    """

    METHOD = "upload.create"
    ACCESS = Access.INTERNAL

    length_bytes: int
    name: str = ""


class GetUpload(Command[UploadInfo], frozen=True, kw_only=True):
    """Return how far the caller's upload is.

    Raises:
        NoSuchUpload: there is none of the caller's, or it has expired.
    """

    METHOD = "upload.get"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    upload_id: str


class AdvanceUpload(Command[UploadInfo], frozen=True, kw_only=True):
    """Note that the bytes up to here are durable; never goes back.

    Raises:
        NoSuchUpload: there is none of the caller's.
    """

    METHOD = "upload.advance"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    upload_id: str
    offset_bytes: int


class FinishUpload(Command[UploadInfo], frozen=True, kw_only=True):
    """Make a media of a complete upload; a repeat answers the same.

    Raises:
        NoSuchUpload: there is none of the caller's.
        UnsupportedType: the server takes no files of this type; the upload is gone.
        Invalid: bytes are missing.
    """

    METHOD = "upload.finish"
    ACCESS = Access.INTERNAL
    REPEATABLE = True
    ANSWER_WITHIN_S = 300.0

    upload_id: str


class CancelUpload(Command[Done], frozen=True, kw_only=True):
    """Forget an upload and its bytes. The media of a finished one stays.

    Raises:
        NoSuchUpload: there is none of the caller's.
    """

    METHOD = "upload.cancel"
    ACCESS = Access.INTERNAL

    upload_id: str


class Opened(Struct, frozen=True):
    """A file opened for one who may read it."""

    object_name: str
    etag: str
    """Of the bytes, for ever; without quotation marks."""
    size_bytes: int
    mime: str
    name: str
    is_plain: bool
    """Whether a browser may show it rather than save it."""


class OpenMedia(Command[Opened], frozen=True, kw_only=True):
    """Find the bytes of a media, or of a smaller picture of it, for the caller.

    Raises:
        NoSuchMedia: there is none, or it is not for the caller.
    """

    METHOD = "media.open"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    media_id: str
    variant: Variant = ""
    conversation_id: ConversationId = ConversationId("")
    seq: int = 0


class RedeemTicket(Command[UserId], frozen=True, kw_only=True):
    """Return for whom a ticket was made.

    Raises:
        TicketExpired: it is not good, or not any more, or for another media.
    """

    METHOD = "media.redeem"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    media_id: str
    ticket: str


class ForgetMedia(Command[Done], frozen=True, kw_only=True):
    """Let go of what a deleted user alone saw, and of the avatar; may be repeated.

    What messages show stays with them; the rest of the user's files goes with time.
    """

    METHOD = "media.forget_user"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId


# --- refusals ---


class NoSuchMedia(NotFound):
    """There is no such file, or it is not for the caller."""

    code = "no_such_media"
    message = "There is no such file for you."


class NoSuchUpload(NotFound):
    """There is no such upload of the caller's, or it has expired."""

    code = "no_such_upload"
    message = "There is no such upload; begin again."


class FileTooLarge(LimitReached):
    """The file is larger than the server takes; ``details["limit"]`` bytes."""

    code = "too_large"
    message = "This file is too large for this server."


class QuotaExceeded(LimitReached):
    """The user would keep more than allowed; ``details["limit"]`` bytes."""

    code = "quota_exceeded"
    message = "You keep too much on this server; recall messages with files, or ask for more."


class UnsupportedType(Invalid):
    """The server takes no files of this type, which ``details["mime"]`` names."""

    code = "unsupported_type"
    message = "This server does not take files of this type."


class TicketExpired(Unauthenticated):
    """The link's time is over, or it is not one of this server's."""

    code = "ticket_expired"
    message = "This link is not good any more; ask for a new one."
