"""Posting over HTTP: kept connections, odd answers, and answers that never come."""

import asyncio

import pytest

from hongyan.domain.integration.ports import Unreachable
from hongyan.infra.webhooks.guard import AddressGuard
from hongyan.infra.webhooks.poster import BODY_MAX, HttpPoster


class Server:
    """Answers each request with the next of some bytes; None hangs up."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.writers = []
        self.connections = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/a?b=c"

    async def _serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                if answer is not None:
                    writer.write(answer)
                if answer is None or b"close" in answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


GOOD = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
async def poster():
    made = HttpPoster(AddressGuard(["127.0.0.0/8"]), timeout_s=30.0)
    yield made
    await made.close()


@pytest.fixture
async def hasty():
    made = HttpPoster(AddressGuard(["127.0.0.0/8"]), timeout_s=0.2)
    yield made
    await made.close()


async def test_connections_are_kept_and_the_request_is_whole(poster):
    async with Server(GOOD, GOOD, GOOD) as server:
        for _ in range(3):
            assert (await poster.post(server.url, {"x-a": "1"}, b"{}")).status == 204
        assert server.connections == 1
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:")
        assert b"x-a: 1" in head
        assert body == b"{}"


async def test_a_connection_that_was_closed_while_idle_is_made_anew(poster):
    async with Server(GOOD, None, GOOD) as server:
        await poster.post(server.url, {}, b"")
        assert (await poster.post(server.url, {}, b"")).status == 204
        assert server.connections == 2


async def test_what_came_while_nobody_asked_is_no_answer(poster):
    """As 408 does, from a proxy that tires of an idle connection."""
    async with Server(GOOD, GOOD) as server:
        await poster.post(server.url, {}, b"")
        (connection,) = poster._idle
        server.writers[0].write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno")
        async with asyncio.timeout(5):
            while connection.is_usable(connection.idle_since):  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert (await poster.post(server.url, {}, b"")).status == 204
        assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end", 200, b"until the end"),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://a/\r\ncontent-length: 0\r\n\r\n",
            302,
            b"",
        ),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", 500, b""),
    ],
)
async def test_answers_of_all_sorts(poster, answer, status, body):
    async with Server(answer) as server:
        posted = await poster.post(server.url, {}, b"{}")
        assert (posted.status, posted.body) == (status, body)


async def test_an_endless_answer_is_cut(poster):
    size = BODY_MAX * 4
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size
    async with Server(answer, GOOD) as server:
        assert len((await poster.post(server.url, {}, b"")).body) <= BODY_MAX
        assert (await poster.post(server.url, {}, b"")).status == 204
        assert server.connections == 2


async def test_what_is_no_answer_is_unreachable(poster):
    async with Server(b"nonsense\r\n\r\n") as server:
        with pytest.raises(Unreachable, match="Parser"):
            await poster.post(server.url, {}, b"{}")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n"])
async def test_an_answer_that_never_comes_is_not_waited_for(hasty, answer):
    async with Server(answer) as server:
        with pytest.raises(Unreachable, match="no answer within"):
            await hasty.post(server.url, {}, b"{}")


async def test_nobody_there_and_nobody_allowed(poster):
    async with Server() as server:
        url = server.url
    with pytest.raises(Unreachable):
        await poster.post(url, {}, b"")
    with pytest.raises(Unreachable, match="allowed_networks"):
        await HttpPoster(AddressGuard()).post("http://127.0.0.1/", {}, b"")
