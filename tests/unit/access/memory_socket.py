"""A native connection without a network: what was sent there, and how it was closed."""

import msgspec

from hongyan.access.native.mapper import NativeEncoder
from hongyan.delivery.outbox import Flusher, Outbox
from hongyan.wire.native.codec import JSON


class MemorySocket:
    """The ``Socket`` of a session."""

    address = "192.0.2.7"

    def __init__(self):
        self.sent, self.closed_with, self.reading = [], None, True
        self.outbox = Outbox(Flusher(), self._take, lambda: 0, lambda: None, 1 << 20)
        self.frame = lambda message: message + b"\n"
        self.encoder = NativeEncoder(JSON, self.frame)

    def _take(self, data):
        self.sent += [msgspec.json.decode(line) for line in data.splitlines()]

    def close(self, code, reason):
        self.closed_with = self.closed_with or (code, reason)

    def pause(self):
        self.reading = False

    def resume(self):
        self.reading = True
