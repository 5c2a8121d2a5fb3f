"""The client's side of WebSocket, as bare as it gets: frames made beforehand, a fast parser.

The masking key is zero, which is valid and leaves the payload as it is.
"""

import base64
import os

ENTRY = b'{"event":"entry"'
ACK = ord("i")
"""The third byte of a response (``{"id":``); a push has an ``e`` there (``{"event":``)."""


def framed(payload: bytes, opcode: int = 1) -> bytes:
    """Return a client's frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


def upgrade(path: str, port: int) -> bytes:
    """Return the request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: hongyan.json\r\n\r\n"
    ).encode()


def hello(token: str) -> bytes:
    """Return the frame that logs a device in."""
    return framed(b'{"id":1,"method":"hello","params":{"token":"%s"}}' % token.encode())


def sender(conversation_id: str, text_bytes: int, run: str) -> bytes:
    """Return a template of ``message.send``: fill in a ten-digit number twice.

    Client ids sort by the time of making, as those of the SDKs do: ``run`` makes those of one run
    sort behind those of any before.
    """
    number = b"1000000000"
    payload = (
        b'{"id":NUMBER,"method":"message.send","params":{"conversation_id":"%s",'
        b'"client_id":"%s-NUMBER","content":{"type":"text","text":"%s"}}}'
    ) % (conversation_id.encode(), run.encode(), b"x" * text_bytes)
    whole = framed(payload.replace(b"NUMBER", number))
    return whole.replace(b"%", b"%%").replace(number, b"%d")
