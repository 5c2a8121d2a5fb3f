"""Events into pushes: the encoders that all sockets of one format share."""

from collections.abc import Callable

from msgspec import Raw, Struct

from hongyan.domain.log.model import Entry, Signal
from hongyan.wire.native.codec import Format, Push


class SignalData(Struct, frozen=True):
    """A signal as it is pushed."""

    log_id: str
    kind: str
    sender: str
    body: Raw


class NativeEncoder:
    """Encodes events in one format and frames them.

    Args:
        form: The format.
        frame: Turns a message into the bytes that go on the socket.
    """

    def __init__(self, form: Format, frame: Callable[[bytes], bytes]) -> None:
        self._encode = form.encode
        self._frame = frame

    def encode(self, event: Entry | Signal, position: int = 0) -> bytes:
        """Return the frame of the push of this event."""
        if isinstance(event, Entry):
            push = Push("entry", event)
        else:
            push = Push(
                "signal", SignalData(event.log_id, event.kind, event.sender, Raw(event.body))
            )
        return self._frame(self._encode(push))
