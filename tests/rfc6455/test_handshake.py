"""The opening handshake (RFC 6455, section 4.2) and who may come in."""

import pytest

from .conftest import Serve, Served
from .raw import ACCEPT, PING, PONG, TEXT, Response, frame, request

BAD_KEYS = ["", "x", "not base64 not base64 no", "AAAA", "A" * 24, "dGhlIHNhbXBsZSBub25jZQ"]


async def answer(served: Served, data: bytes) -> Response:
    client = await served.connect()
    await client.send(data)
    response = await client.response()
    if response.status != 101:
        assert response.headers["connection"] == "close"
        assert response.body.endswith(b".\n")
        await client.expect_end()
        assert served.sessions == []
    return response


async def test_the_answer_to_the_rfc_s_example(served: Served) -> None:
    response = await answer(served, request())
    assert response.status == 101
    assert response.headers["upgrade"].lower() == "websocket"
    assert response.headers["connection"].lower() == "upgrade"
    assert response.headers["sec-websocket-accept"] == ACCEPT
    assert "sec-websocket-protocol" not in response.headers
    assert "sec-websocket-extensions" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": "keep-alive,UPGRADE"},
        {"Connection": "upgrade"},
        {"Upgrade": "WebSocket"},
        {"Content_Length": "0"},
        {"Sec_WebSocket_Key": " dGhlIHNhbXBsZSBub25jZQ=="},
        {"Cookie": "a" * 4000},
    ],
)
async def test_what_browsers_and_proxies_send_is_understood(
    served: Served, headers: dict[str, str]
) -> None:
    assert (await answer(served, request(**headers))).status == 101


async def test_connection_may_come_twice(served: Served) -> None:
    data = request().replace(
        b"Connection: Upgrade\r\n", b"Connection: Upgrade\r\nConnection: keep-alive\r\n"
    )
    assert (await answer(served, data)).status == 101


async def test_names_of_headers_have_no_case(served: Served) -> None:
    head, _, rest = request().partition(b"\r\n")
    assert (
        await answer(
            served,
            head
            + b"\r\n"
            + rest.lower().replace(b"dghlihnhbxbszsbub25jzq==", b"dGhlIHNhbXBsZSBub25jZQ=="),
        )
    ).status == 101


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_a_bad_key_is_refused(served: Served, key: str) -> None:
    assert (await answer(served, request(Sec_WebSocket_Key=key))).status == 400


@pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Host"])
async def test_a_missing_header_is_refused(served: Served, missing: str) -> None:
    assert (await answer(served, request(without=(missing,)))).status == 400


@pytest.mark.parametrize("twice", ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Host", "Origin"])
async def test_a_header_that_comes_twice_is_refused(served: Served, twice: str) -> None:
    data = request(Origin="http://chat.example.org")
    line = next(line for line in data.split(b"\r\n") if line.startswith(twice.encode()))
    data = data.replace(line, line + b"\r\n" + line)
    assert (await answer(served, data)).status == 400


@pytest.mark.parametrize("version", ["", "0", "7", "8", "12", "14", "13, 8", "x"])
async def test_another_version_is_told_ours(served: Served, version: str) -> None:
    response = await answer(served, request(Sec_WebSocket_Version=version))
    assert response.status == 426
    assert response.headers["sec-websocket-version"] == "13"


async def test_a_missing_version_is_told_ours(served: Served) -> None:
    response = await answer(served, request(without=("Sec-WebSocket-Version",)))
    assert response.status == 426


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
async def test_another_method_is_refused(served: Served, method: str) -> None:
    client = await served.connect()
    await client.send(request(method=method))
    assert (await client.response()).status == 405


async def test_http_1_0_is_refused(served: Served) -> None:
    data = request().replace(b"HTTP/1.1", b"HTTP/1.0")
    assert (await answer(served, data)).status == 400


@pytest.mark.parametrize("headers", [{"Content_Length": "5"}, {"Transfer_Encoding": "chunked"}])
async def test_a_body_is_refused(served: Served, headers: dict[str, str]) -> None:
    assert (await answer(served, request(**headers))).status == 400


@pytest.mark.parametrize("path", ["/", "/ws/", "/wss", "/ws/x", "/other?/ws"])
async def test_an_upgrade_elsewhere_is_not_found(served: Served, path: str) -> None:
    assert (await answer(served, request(path))).status == 404


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("hongyan.json", "hongyan.json"),
        ("hongyan.msgpack", "hongyan.msgpack"),
        ("hongyan.msgpack, hongyan.json", "hongyan.msgpack"),
        ("hongyan.json,hongyan.msgpack", "hongyan.json"),
        ("other, hongyan.msgpack", "hongyan.msgpack"),
    ],
)
async def test_the_client_s_order_decides(served: Served, offered: str, chosen: str) -> None:
    response = await answer(served, request(Sec_WebSocket_Protocol=offered))
    assert response.status == 101
    assert response.headers["sec-websocket-protocol"] == chosen
    assert served.sessions[0].form.name == chosen


async def test_subprotocols_may_come_in_several_headers(served: Served) -> None:
    data = request(Sec_WebSocket_Protocol="other").replace(
        b"other\r\n", b"other\r\nSec-WebSocket-Protocol: hongyan.msgpack\r\n"
    )
    response = await answer(served, data)
    assert response.headers["sec-websocket-protocol"] == "hongyan.msgpack"


async def test_no_subprotocol_means_json(served: Served) -> None:
    await answer(served, request())
    assert served.sessions[0].form.name == "hongyan.json"


@pytest.mark.parametrize("offered", ["other", "HONGYAN.JSON", "hongyan", "soap, wamp"])
async def test_an_unknown_subprotocol_is_refused(served: Served, offered: str) -> None:
    response = await answer(served, request(Sec_WebSocket_Protocol=offered))
    assert response.status == 400
    assert b"hongyan.json" in response.body


async def test_a_subprotocol_that_is_switched_off_is_refused(serve: Serve) -> None:
    served = await serve(subprotocols=("hongyan.msgpack",))
    assert (await answer(served, request(Sec_WebSocket_Protocol="hongyan.json"))).status == 400
    assert (await answer(served, request())).status == 400


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example.org", "chat.example.org"),
        ("http://chat.example.org", "chat.example.org"),
        ("https://CHAT.example.org", "chat.EXAMPLE.org"),
        ("https://chat.example.org", "chat.example.org:443"),
        ("http://chat.example.org", "chat.example.org:80"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
async def test_a_page_of_the_same_host_may_connect(served: Served, origin: str, host: str) -> None:
    assert (await answer(served, request(Origin=origin, Host=host))).status == 101


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.org", "chat.example.org"),
        ("https://chat.example.org.evil.org", "chat.example.org"),
        ("https://example.org", "chat.example.org"),
        ("http://localhost:8080", "localhost:8081"),
        ("https://chat.example.org:444", "chat.example.org"),
        ("null", "chat.example.org"),
        ("chat.example.org", "chat.example.org"),
        ("https://user@chat.example.org", "chat.example.org"),
        ("https://chat.example.org:x", "chat.example.org"),
        ("https://chat.example.org/path", "chat.example.org"),
        ("https://[chat.example.org", "chat.example.org"),
    ],
)
async def test_a_page_of_another_host_may_not(served: Served, origin: str, host: str) -> None:
    assert (await answer(served, request(Origin=origin, Host=host))).status == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://app.example.com", 101),
        ("https://APP.example.com", 101),
        ("http://app.example.com", 403),
        ("https://app.example.com:8443", 403),
        ("https://a.wild.org", 101),
        ("https://a.b.wild.org", 101),
        ("https://wild.org", 403),
        ("https://.wild.org", 403),
        ("https://awild.org", 403),
        ("https://a.wild.org:8443", 403),
        ("http://dev.local:3000", 101),
        ("https://chat.example.org", 101),
        ("https://evil.org", 403),
    ],
)
async def test_more_origins_may_be_allowed(serve: Serve, origin: str, status: int) -> None:
    served = await serve(
        allowed_origins=(
            "https://app.example.com",
            "https://*.wild.org",
            "http://*.local:3000",
        )
    )
    assert (await answer(served, request(Origin=origin))).status == status


@pytest.mark.parametrize("origin", ["https://evil.org", "null", "file://"])
async def test_a_star_allows_every_origin(serve: Serve, origin: str) -> None:
    served = await serve(allowed_origins=("*",))
    assert (await answer(served, request(Origin=origin))).status == 101


async def test_the_first_frames_may_come_with_the_handshake(served: Served) -> None:
    client = await served.connect()
    await client.send(request() + frame(TEXT, b"x" * 50_000) + frame(PING, b"p") + frame(TEXT)[:1])
    assert (await client.response()).status == 101
    await client.expect(TEXT, b"x" * 50_000)
    await client.expect(PONG, b"p")
    await client.send(b"\x80\x00\x00\x00\x00")
    await client.expect(TEXT, b"")


async def test_a_fault_may_come_with_the_handshake(served: Served) -> None:
    client = await served.connect()
    await client.send(request() + frame(TEXT, b"good") + b"\xff\xff" * 5000)
    assert (await client.response()).status == 101
    await client.expect(TEXT, b"good")
    await client.expect_close(1002)


async def test_a_handshake_may_come_a_byte_at_a_time(served: Served) -> None:
    client = await served.connect()
    data = request(Sec_WebSocket_Protocol="hongyan.json") + frame(TEXT, b"x")
    await client.send(*(data[i : i + 1] for i in range(len(data))))
    assert (await client.response()).status == 101
    await client.expect(TEXT, b"x")


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc.def", "abc.def"), ("bearer  x ", "x"), ("Basic abc", ""), ("Bearer", "")],
)
async def test_a_token_comes_by_header(served: Served, header: str, token: str) -> None:
    await answer(served, request(Authorization=header))
    assert served.sessions[0].token == token


async def test_a_token_in_the_url_is_ignored(served: Served) -> None:
    await answer(served, request("/ws?token=abc&access_token=abc"))
    assert served.sessions[0].token == ""
