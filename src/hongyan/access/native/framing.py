"""Framing of messages, shared by all sockets that frame alike."""

from collections.abc import Callable
from functools import partial

from hongyan.wire.native.codec import Format
from hongyan.wire.websocket.deflate import deflate
from hongyan.wire.websocket.frames import BINARY, TEXT, frame

from .mapper import NativeEncoder


class Framing:
    """One way of framing.

    Attributes:
        frame: Turns a message into its frame.
        encoder: Turns an event into its frame.
    """

    __slots__ = ("encoder", "frame")

    def __init__(self, form: Format, frame: Callable[[bytes], bytes]) -> None:
        self.frame = frame
        self.encoder = NativeEncoder(form, frame)


class Framings:
    """Makes each way of framing once.

    Args:
        threshold_bytes: Messages shorter than this are not compressed.
    """

    def __init__(self, threshold_bytes: int) -> None:
        self._threshold = threshold_bytes
        self._framings: dict[tuple[str, int], Framing] = {}

    def of(self, form: Format, window_bits: int) -> Framing:
        """Return the framing of a format, compressed unless the window is 0 bits."""
        key = (form.name, window_bits)
        framing = self._framings.get(key)
        if framing is None:
            opcode = BINARY if form.binary else TEXT
            framing = self._framings[key] = Framing(
                form,
                partial(_compressed, opcode, self._threshold, window_bits)
                if window_bits
                else partial(frame, opcode),
            )
        return framing


def _compressed(opcode: int, threshold_bytes: int, window_bits: int, message: bytes) -> bytes:
    if len(message) < threshold_bytes:
        return frame(opcode, message)
    return frame(opcode, deflate(message, window_bits), rsv1=True)
