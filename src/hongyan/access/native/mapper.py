"""Facts into pushes: the encoders that all sockets of one format share."""

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
    """Encodes facts in one format and frames them.

    Args:
        form: The format.
        frame: Turns a message into the bytes that go on the socket.
    """

    def __init__(self, form: Format, frame: Callable[[bytes], bytes]) -> None:
        self._encode = form.encode
        self._frame = frame

    def encode(self, fact: Entry | Signal, position: int = 0) -> bytes:
        """Return the frame of the push that tells this fact."""
        if isinstance(fact, Entry):
            push = Push("entry", fact)
        else:
            push = Push("signal", SignalData(fact.log_id, fact.kind, fact.sender, Raw(fact.body)))
        return self._frame(self._encode(push))
