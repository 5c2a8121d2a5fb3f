"""The control socket's protocol: one JSON object a line, one answer for each request."""

from pathlib import Path

from msgspec import Raw, Struct

from hongyan.wire.native.codec import WireError

LINE_BYTES_MAX = 1024 * 1024
SOCKET_FILE = "control.sock"


class ControlRequest(Struct, frozen=True):
    """A command by its method name; the socket's file mode is the proof of who asks."""

    method: str
    params: Raw = Raw(b"{}")


class ControlAnswer(Struct, frozen=True, omit_defaults=True):
    """Either a result or an error."""

    result: Raw = Raw(b"null")
    error: WireError | None = None


def socket_path(data_dir: Path) -> Path:
    """Return where the control socket of this data folder is."""
    return data_dir / SOCKET_FILE
