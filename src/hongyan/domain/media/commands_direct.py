"""Sending a file to the bucket itself: commands of clients, where the server offers it.

The client says how long the file is and gets links, PUTs each piece to its link, in any order
and as often as it must, and then says that all is there. The server reads the bytes once, inside
its own network, before they become a media.
"""

from msgspec import Struct

from hongyan.kernel.bus import Command
from hongyan.kernel.errors import Conflict, Invalid

from .model import MediaInfo
from .ports import Piece


class DirectUpload(Struct, frozen=True):
    """The missing pieces of a direct upload, with their links."""

    upload_id: str
    length_bytes: int
    expires_at_ms: int
    """When the links end; ``media.direct_resume`` gives new ones."""
    pieces: tuple[Piece, ...]
    """Pieces that have not come yet. PUT each with exactly its length as Content-Length."""
    media_id: str = ""
    """The media, once the upload is finished."""


class BeginDirectUpload(Command[DirectUpload], frozen=True, kw_only=True):
    """Announce a file, reserve its room, and get links to send it by.

    Raises:
        DirectOff: this server takes files by tus only.
        FileTooLarge, QuotaExceeded: there is no room for it.
        LimitReached: too many uploads are under way.
        Invalid: a negative length or an impossible name.
    """

    METHOD = "media.direct_begin"

    length_bytes: int
    name: str = ""


class ResumeDirectUpload(Command[DirectUpload], frozen=True, kw_only=True):
    """Return which pieces have not come, with new links; the upload lives on as from its begin.

    Raises:
        DirectOff: this server takes files by tus only.
        NoSuchUpload: there is none of the caller's, or it has expired.
    """

    METHOD = "media.direct_resume"

    upload_id: str


class FinishDirectUpload(Command[MediaInfo], frozen=True, kw_only=True):
    """Make a media of a file whose pieces are all there; a repeat answers the same.

    Raises:
        DirectOff: this server takes files by tus only.
        NoSuchUpload: there is none of the caller's, or it has expired.
        Invalid: pieces are missing; ``details["missing"]`` says how many.
        WrongContent: the bytes are not what ``sha256`` says.
        UnsupportedType: the server takes no files of this type; the upload is gone.
    """

    METHOD = "media.direct_finish"
    ANSWER_WITHIN_S = 300.0

    upload_id: str
    sha256: str = ""
    """The wanted hash, in 64 lower-case hexadecimal digits. Empty: any."""


class DirectOff(Conflict):
    """The server does not let clients reach its bucket."""

    code = "direct_off"
    message = "This server takes files by tus only."


class WrongContent(Invalid):
    """The bytes have another hash than was said; ``details["sha256"]`` is theirs."""

    code = "wrong_content"
    message = "The bytes are not those that were announced; send them again."
