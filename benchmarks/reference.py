"""The reference: a bare picows server that acknowledges and relays, and does nothing else.

The path says what a connection is: ``/pair/7`` relays to ``/pair/6``, ``/group/7`` to all of
``/group``, ``/bytes/1000`` answers with so many bytes.
"""

import json
import resource
import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

ACK = b',"result":{"seq":1234567,"ordinal":1234567,"sent_at_ms":1700000000000}}'
pairs: dict[int, WSTransport] = {}
group: dict[int, WSTransport] = {}


class Relay(WSListener):
    """Acknowledges to the sender and relays to the others."""

    def __init__(self, request: WSUpgradeRequest) -> None:
        super().__init__()
        _, self.kind, number = request.path.decode().split("/")
        self.number = int(number)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take a place."""
        if self.kind == "pair":
            pairs[self.number] = transport
        elif self.kind == "group":
            group[self.number] = transport
        elif self.kind == "bytes":
            conversations = [{"entries": ["x" * 90] * 10}] * (self.number // 1000)
            self.answer = json.dumps({"id": 1, "result": {"conversations": conversations}}).encode()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Give the place back."""
        places = pairs if self.kind == "pair" else group
        if places.get(self.number) is transport:
            del places[self.number]

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer and relay."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        if self.kind == "bytes":
            transport.send(WSMsgType.TEXT, self.answer)
            return
        payload = frame.get_payload_as_bytes()
        transport.send(WSMsgType.TEXT, payload[:16] + ACK)
        push = b'{"event":"entry","data":%b}' % payload
        if self.kind == "pair":
            peer = pairs.get(self.number ^ 1)
            if peer is not None:
                peer.send(WSMsgType.TEXT, push)
            return
        for number, member in group.items():
            if number != self.number:
                member.send(WSMsgType.TEXT, push)


async def serve() -> None:
    """Serve on a free port, and print it."""
    server = await ws_create_server(Relay, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    try:
        uvloop.run(serve())
    except KeyboardInterrupt:
        sys.exit(0)
