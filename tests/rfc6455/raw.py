"""A WebSocket client that does only what it is told, right or wrong."""

import asyncio
import contextlib
import os
from dataclasses import dataclass, field

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    key: bytes | None = None,
    length: bytes | None = None,
) -> bytes:
    """Return a client's frame; ``length`` replaces the length's bytes by wrong ones."""
    size = len(payload)
    if length is None:
        if size < 126:
            length = bytes((size,))
        elif size < 65536:
            length = b"\x7e" + size.to_bytes(2, "big")
        else:
            length = b"\x7f" + size.to_bytes(8, "big")
    head = bytes((fin << 7 | rsv << 4 | opcode, length[0] | masked << 7)) + length[1:]
    if not masked:
        return head + payload
    key = key or os.urandom(4)
    repeated = key * (size // 4 + 1)
    body = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:size], "big")
    return head + key + body.to_bytes(size, "big")


def close_payload(code: int, reason: bytes = b"") -> bytes:
    return code.to_bytes(2, "big") + reason


@dataclass
class Response:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def request(
    path: str = "/ws", *, without: tuple[str, ...] = (), method: str = "GET", **headers: str
) -> bytes:
    """Return a handshake; keywords replace or add headers (``_`` stands for ``-``)."""
    fields = {
        "Host": "chat.example.org",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    for word, value in headers.items():
        name = word.replace("_", "-")
        known = next((key for key in fields if key.lower() == name.lower()), name)
        fields[known] = value
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if name not in without]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send bytes; several parts are several writes."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            if len(parts) > 1:
                await asyncio.sleep(0)

    async def response(self) -> Response:
        """Read an HTTP response."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = b""
        if "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        elif headers.get("connection") == "close":
            body = await self.reader.read()
        return Response(int(first.split()[1]), headers, body)

    async def upgrade(self, **headers: str) -> Response:
        """Shake hands, and insist on it."""
        await self.send(request(**headers))
        response = await self.response()
        assert response.status == 101, response
        return response

    async def frame(self) -> tuple[int, bytes, int]:
        """Read a frame: opcode, payload, reserved bits. It must be final and unmasked."""
        async with asyncio.timeout(5):
            first, second = await self.reader.readexactly(2)
            assert first & 0x80, "a server of ours sends no fragments"
            assert not second & 0x80, "a server may not mask"
            size = second
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
                assert size > 125, "not the shortest length"
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
                assert size > 65535, "not the shortest length"
            return first & 0xF, await self.reader.readexactly(size), first >> 4 & 7

    async def expect(self, opcode: int, payload: bytes) -> None:
        """Read a frame and insist that it is this one."""
        assert await self.frame() == (opcode, payload, 0)

    async def expect_close_frame(self) -> int:
        """Read a close frame and return its code."""
        opcode, payload, _ = await self.frame()
        assert opcode == CLOSE
        return int.from_bytes(payload[:2], "big")

    async def expect_close(self, code: int | None) -> str:
        """Read a close frame with this code, and the end of the stream; returns the reason."""
        opcode, payload, _ = await self.frame()
        assert opcode == CLOSE
        assert (int.from_bytes(payload[:2], "big") if payload else None) == code
        await self.expect_end()
        return payload[2:].decode()

    async def expect_end(self) -> None:
        """Insist that nothing more comes and the server has closed."""
        assert await asyncio.wait_for(self.reader.read(), 5) == b""

    async def expect_silence(self) -> None:
        """Insist that the server answers a ping with nothing before the pong."""
        await self.send(frame(PING, b"still there?"))
        await self.expect(PONG, b"still there?")

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
