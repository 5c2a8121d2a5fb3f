"""Connections over time: heartbeats, hello, slow peers, limits, drain."""

import asyncio
import socket as network
from typing import Any

import pytest

from .conftest import Echo, Serve, Served
from .raw import CLOSE, PING, PONG, TEXT, close_payload, frame, request


class Mute(Echo):
    """Has not said hello."""

    is_ready = False


def later(served: Served, seconds: float, times: int = 1) -> None:
    """Let the server's timer believe that time has passed."""
    now = asyncio.get_running_loop().time()
    for _ in range(times):
        served.web.sockets.advance(now + seconds)


def slices(served: Served) -> int:
    return len(served.web.sockets._slices)


async def test_an_idle_peer_is_pinged_once_and_cut_with_4007(serve: Serve) -> None:
    served = await serve(heartbeat_s=1000)
    client = await served.text()
    round_of_heartbeats = slices(served)
    later(served, 0, 3 * round_of_heartbeats)
    await client.expect_silence()
    later(served, 0, 4 * round_of_heartbeats)
    await client.expect(PING, b"")
    later(served, 0, 3 * round_of_heartbeats)
    await client.expect_silence()  # whose ping is a sign of life
    later(served, 0, 8 * round_of_heartbeats)
    await client.expect(PING, b"")
    assert await client.frame() == (CLOSE, close_payload(4007, b"no sign of life"), 0)


async def test_a_pong_is_a_sign_of_life(serve: Serve) -> None:
    served = await serve(heartbeat_s=0.08)
    client = await served.text()
    for _ in range(10):
        await client.expect(PING, b"")
        await client.send(frame(PONG))


async def test_a_silent_peer_is_cut_after_two_intervals(serve: Serve) -> None:
    served = await serve(heartbeat_s=0.1)
    client = await served.text()
    started = asyncio.get_running_loop().time()
    await client.expect(PING, b"")
    assert (await client.frame())[0] == CLOSE
    assert 0.15 < asyncio.get_running_loop().time() - started < 1


async def test_no_heartbeat(serve: Serve) -> None:
    served = await serve(heartbeat_s=0)
    client = await served.text()
    later(served, 0, 100)
    await client.expect_silence()


async def test_a_peer_we_do_not_read_is_not_silent(serve: Serve) -> None:
    served = await serve(heartbeat_s=1000)
    client = await served.text()
    served.sessions[0].socket.pause()
    later(served, 0, 20 * slices(served))
    served.sessions[0].socket.resume()
    await client.expect_silence()


async def test_hello_must_come_in_time(serve: Serve) -> None:
    served = await serve(session=Mute, handshake_timeout_s=0.1)
    client = await served.text()
    assert (await client.frame())[1][:2] == (4002).to_bytes(2, "big")


async def test_who_has_said_hello_may_stay(serve: Serve) -> None:
    served = await serve(handshake_timeout_s=0.05)
    client = await served.text()
    await asyncio.sleep(0.15)
    await client.expect_silence()


async def test_a_slow_consumer_is_cut(serve: Serve) -> None:
    served = await serve(slow_consumer_bytes=1_000_000, max_message_bytes=2_000_000)
    client = await served.text()
    client.writer.transport.pause_reading()
    session = served.sessions[0]
    message = session.socket.frame(b"x" * 100_000)
    for _ in range(1000):
        session.socket.outbox.push(message)
        await asyncio.sleep(0)
        if session.closes:
            break
    assert session.closes == 1
    assert len(served.web.sockets) == 1
    later(served, 1000)
    await served.all_closed()


async def test_one_tick_may_not_queue_more_than_the_limit(serve: Serve) -> None:
    served = await serve(slow_consumer_bytes=10_000)
    client = await served.text()
    session = served.sessions[0]
    for _ in range(11):
        session.socket.outbox.push(session.socket.frame(b"x" * 1000))
    assert await client.expect_close_frame() == 4004


class Held(Echo):
    """Pauses after each message, as a session does that has too much to do."""

    def received(self, data: bytes) -> None:
        super().received(data)
        self.socket.pause()


async def test_what_was_read_before_a_pause_waits(serve: Serve) -> None:
    served = await serve(session=Held)
    client = await served.text()
    await client.send(b"".join(frame(TEXT, b"%d" % number) for number in range(5)))
    session = served.sessions
    for number in range(5):
        await client.expect(TEXT, b"%d" % number)
        await asyncio.sleep(0.01)
        assert len(session[0].got) == number + 1
        session[0].socket.resume()
    await client.send(frame(TEXT, b"more"))
    await client.expect(TEXT, b"more")


async def test_a_paused_connection_is_not_read(serve: Serve) -> None:
    served = await serve()
    client = await served.text()
    socket = served.sessions[0].socket
    socket.pause()
    socket.pause()
    await client.send(frame(TEXT, b"x"))
    await asyncio.sleep(0.02)
    assert served.sessions[0].got == []
    socket.resume()
    socket.resume()
    await client.expect(TEXT, b"x")


async def test_a_paused_connection_can_be_closed(serve: Serve) -> None:
    served = await serve()
    client = await served.text()
    socket = served.sessions[0].socket
    socket.pause()
    socket.close(4000, "")
    socket.resume()
    assert (await client.frame())[0] == CLOSE
    await client.send(frame(CLOSE, close_payload(4000)))
    await client.expect_end()


async def test_pings_are_answered_while_messages_wait(serve: Serve) -> None:
    served = await serve(session=Held)
    client = await served.text()
    await client.send(frame(TEXT, b"a") + frame(TEXT, b"b") + frame(PING, b"p"))
    await client.expect(TEXT, b"a")
    await client.expect(PONG, b"p")
    served.sessions[0].socket.resume()
    await client.expect(TEXT, b"b")


async def test_a_full_server_refuses(serve: Serve) -> None:
    served = await serve(connections_max=2)
    first, _ = await served.text(), await served.text()
    client = await served.connect()
    await client.send(request())
    response = await client.response()
    assert response.status == 503
    assert "retry-after" in response.headers
    await first.send(frame(CLOSE, close_payload(1000)))
    await first.expect_close(1000)
    await asyncio.sleep(0.01)
    await served.text()


async def test_an_address_may_open_so_many(serve: Serve) -> None:
    served = await serve(connections_per_address_max=1, trusted_proxies=("127.0.0.0/8",))
    first = await served.upgraded(X_Forwarded_For="203.0.113.7")
    await served.upgraded(X_Forwarded_For="203.0.113.8")
    client = await served.connect()
    await client.send(request(X_Forwarded_For="203.0.113.7"))
    assert (await client.response()).status == 429
    await first.close()
    await asyncio.sleep(0.01)
    await served.upgraded(X_Forwarded_For="203.0.113.7")


@pytest.mark.parametrize(
    ("trusted", "header", "address"),
    [
        ((), "203.0.113.7", "127.0.0.1"),
        (("10.0.0.0/8",), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7", "203.0.113.7"),
        (("127.0.0.1",), "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (("127.0.0.1", "10.0.0.0/8"), "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        (("127.0.0.1",), "2001:db8::1", "2001:db8::1"),
        (("127.0.0.1",), "", "127.0.0.1"),
    ],
)
async def test_the_peer_s_address(
    serve: Serve, trusted: tuple[str, ...], header: str, address: str
) -> None:
    served = await serve(trusted_proxies=trusted)
    await served.upgraded(X_Forwarded_For=header)
    assert served.sessions[0].socket.address == address


async def test_sockets_are_tuned(serve: Serve) -> None:
    def option(served: Served, level: int, name: int) -> Any:
        sock = served.sessions[0].socket._transport.get_extra_info("socket")
        return sock.getsockopt(level, name)

    tuned = await serve(tcp_keepalive_s=17)
    await tuned.text()
    assert option(tuned, network.IPPROTO_TCP, network.TCP_KEEPIDLE) == 17
    assert option(tuned, network.SOL_SOCKET, network.SO_KEEPALIVE) == 1
    assert option(tuned, network.IPPROTO_TCP, network.TCP_NODELAY) == 1
    untuned = await serve(tcp_keepalive_s=0, tcp_nodelay=False)
    await untuned.text()
    assert option(untuned, network.SOL_SOCKET, network.SO_KEEPALIVE) == 0
    assert option(untuned, network.IPPROTO_TCP, network.TCP_NODELAY) == 0


async def test_all_sockets_of_one_framing_share_an_encoder(serve: Serve) -> None:
    served = await serve(compression=True)
    for _ in range(2):
        await served.text()
        await served.binary()
        await served.upgraded(Sec_WebSocket_Extensions="permessage-deflate")
    encoders = [session.socket.encoder for session in served.sessions]
    assert encoders[:3] == encoders[3:]
    assert len(set(encoders)) == 3


async def test_drain_asks_then_closes_with_1012(serve: Serve) -> None:
    served = await serve()
    leaver, stayer = await served.text(), await served.text()
    draining = asyncio.create_task(served.web.drain(0.2))
    await asyncio.sleep(0.05)
    assert [len(session.asked) for session in served.sessions] == [1, 1]
    assert all(0 <= session.asked[0] < 200 for session in served.sessions)
    await leaver.send(frame(CLOSE, close_payload(1001)))
    await leaver.expect_close(1001)
    await stayer.expect_silence()
    with pytest.raises(ConnectionRefusedError):
        await served.connect()
    assert (await stayer.frame())[1][:2] == (1012).to_bytes(2, "big")
    await stayer.send(frame(CLOSE, close_payload(1012)))
    await asyncio.wait_for(draining, 1)
    assert len(served.web.sockets) == 0


async def test_drain_ends_as_soon_as_all_have_left(serve: Serve) -> None:
    served = await serve()
    client = await served.text()
    draining = asyncio.create_task(served.web.drain(60))
    await asyncio.sleep(0.01)
    await client.close()
    await asyncio.wait_for(draining, 1)


async def test_a_draining_server_refuses_upgrades(serve: Serve) -> None:
    served = await serve()
    early = await served.connect()
    await early.send(request()[:10])
    staying = await served.text()
    draining = asyncio.create_task(served.web.drain(5))
    await asyncio.sleep(0.01)
    await early.send(request()[10:])
    answered = await asyncio.wait_for(early.reader.read(), 3)
    assert answered == b"" or answered.startswith(b"HTTP/1.1 503 ")
    await staying.close()
    await asyncio.wait_for(draining, 2)
    assert len(served.sessions) == 1
