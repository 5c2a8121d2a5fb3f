"""What we use of uvicorn and picows without being promised it.

When one of these fails after an upgrade of a dependency: read ``access/native/server.py`` and
``parser.py`` beside the new version, mend them, then mend this file.
"""

import inspect
from importlib.metadata import version

import picows
import picows.picows as extension
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hongyan.access.native.parser import GROWN_BYTES, frame_parser


def test_picows_is_the_version_that_was_read() -> None:
    assert version("picows").startswith("2.3."), (
        "picows has changed: the constructor of its WSProtocol, and that it writes nothing but "
        "the 101 response and close frames, must be read again in picows.pyx"
    )


def test_uvicorn_is_a_version_that_was_read() -> None:
    assert version("uvicorn").startswith("0.5"), (
        "uvicorn has changed: HttpToolsProtocol must be read again in httptools_impl.py"
    )


def test_uvicorn_hands_an_upgrade_over_while_its_exception_is_handled() -> None:
    source = inspect.getsource(HttpToolsProtocol.data_received)
    _, caught, handler = source.partition("except httptools.HttpParserUpgrade")
    assert caught, "uvicorn no longer handles HttpParserUpgrade in data_received"
    assert "self._should_upgrade()" in handler, "uvicorn no longer asks _should_upgrade"
    assert "self.handle_websocket_upgrade()" in handler, (
        "uvicorn no longer calls handle_websocket_upgrade inside the except clause: the bytes "
        "behind the handshake would be lost"
    )


@pytest.mark.parametrize("name", ["on_headers_complete", "on_body", "on_message_complete"])
def test_uvicorn_leaves_an_upgrade_alone(name: str) -> None:
    source = inspect.getsource(getattr(HttpToolsProtocol, name))
    assert "self._should_upgrade()" in source, f"uvicorn's {name} no longer asks _should_upgrade"


def test_uvicorn_still_has_what_we_touch() -> None:
    source = inspect.getsource(HttpToolsProtocol)
    for name in (
        "self.connections",
        "self.transport",
        "self.parser",
        "self.headers",
        "self.scope",
        "self.url",
        "self.cycle",
        "self.client",
        "def _unset_keepalive_if_required(self)",
        "def shutdown(self)",
        "def on_message_begin(self)",
    ):
        assert name in source, f"uvicorn's HttpToolsProtocol has no {name} any more"


class Recorder(picows.WSListener):
    """Records what a parser says."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self.broken: list[tuple[int, str]] = []
        self.behind: list[tuple[int, bool]] = []
        self.error: Exception | None = None

    def on_ws_frame(self, _: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.frames.append((int(frame.msg_type), frame.get_payload_as_bytes()))  # type: ignore[call-overload]
        self.behind.append((frame.tail_size, bool(frame.last_in_buffer)))
        if self.error is not None:
            raise self.error

    def broke(self, code: int, reason: str) -> None:
        self.broken.append((code, reason))


async def feed(parser: extension.WSProtocol, data: bytes) -> None:  # type: ignore[name-defined]
    parser.get_buffer(-1)[: len(data)] = data
    parser.buffer_updated(len(data))


async def test_picows_parses_frames_and_writes_nothing() -> None:
    recorder = Recorder()
    parser = frame_parser(recorder, recorder, 2048, 100)
    await feed(parser, b"\x89\x80\0\0\0\0" + b"\x81\x81\0\0\0\0x")
    assert recorder.frames == [(9, b""), (1, b"x")], "picows answered a ping by itself"
    assert recorder.broken == []


async def test_picows_says_by_a_close_frame_what_broke() -> None:
    recorder = Recorder()
    parser = frame_parser(recorder, recorder, 2048, 100)
    await feed(parser, b"\x81\xfe\x00\xff\0\0\0\0")
    assert [code for code, _ in recorder.broken] == [1009]
    recorder = Recorder()
    recorder.error = ValueError("ours")
    await feed(frame_parser(recorder, recorder, 2048, 100), b"\x81\x81\0\0\0\0x")
    assert recorder.broken == [(1011, "")]


async def test_picows_tells_what_its_buffer_holds() -> None:
    recorder = Recorder()
    parser = frame_parser(recorder, recorder, 2048, 10 * GROWN_BYTES)
    assert len(parser.get_buffer(-1)) <= 2048, "picows' read buffer starts bigger than asked"
    await feed(parser, b"\x82\x83\0\0\0\0abc" + b"\x82\x80\0\0\0\0" + b"\x82")
    assert recorder.behind == [(7, False), (1, True)], (
        "picows' tail_size or last_in_buffer mean something else: the parser may be renewed "
        "while a frame has half come"
    )
