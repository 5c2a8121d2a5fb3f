"""A small server of the native protocol that breaks on request."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Any

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Params = dict[str, Any]


class Refusal(Exception):
    def __init__(self, code: str, retryable: bool = False, **details: Any) -> None:
        self.error = {"code": code, "message": code, "retryable": retryable, "details": details}


class FakeServer:
    """One user ``me`` and others; logs in memory; every conversation is a direct one with ``bob``.

    Attributes:
        faults: Method -> what to do with the next requests: a ``Refusal`` is answered,
            ``"cut"`` closes before the request is carried out, ``"drop"`` carries it out and
            closes without an answer, an ``asyncio.Event`` delays the answer until it is set.
    """

    def __init__(self) -> None:
        self.logs: dict[str, list[Params]] = defaultdict(list)
        self.faults: dict[str, list[Any]] = defaultdict(list)
        self.requests: list[tuple[str, Params]] = []
        self.sockets: list[ServerConnection] = []
        self.heartbeat_s = 30.0
        self.is_mute = False
        self.left: list[str] = []
        self.names: dict[str, str] = {}
        self.contents: dict[tuple[str, int], Params] = {}
        """What ``message.get`` tells of messages whose edits came without content."""
        self.generation = "first"
        self.greets = ""
        """What hello tells in place of the generation."""
        self.url = ""
        self._server: Server | None = None
        self._port = 0

    async def start(self) -> None:
        self._server = await serve(
            self._serve, "127.0.0.1", self._port, subprotocols=[Subprotocol("hongyan.json")]
        )
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def asked(self, method: str) -> list[Params]:
        return [params for name, params in self.requests if name == method]

    # --- what happens on the server ---

    def append(
        self, log_id: str, sender: str, text: str, client_id: str = "", push: bool = True
    ) -> Params:
        return self.entry(log_id, sender, "message", {"content": _text(text)}, client_id, push)

    def entry(
        self,
        log_id: str,
        sender: str,
        kind: str,
        body: Params,
        client_id: str = "",
        push: bool = True,
    ) -> Params:
        log = self.logs[log_id]
        ordinal = (log[-1]["ordinal"] if log else 0) + (kind == "message")
        entry = {
            "log_id": log_id,
            "seq": len(log) + 1,
            "ordinal": ordinal,
            "kind": kind,
            "sender": sender,
            "client_id": client_id,
            "sent_at_ms": 1_700_000_000_000 + len(log),
            "body": body,
        }
        log.append(entry)
        if push:
            self.push("entry", entry)
        return entry

    def push(self, event: str, data: Params) -> None:
        message = msgspec.json.encode({"event": event, "data": data}).decode()
        for socket in self.sockets:
            if self.is_mute:
                continue
            asyncio.ensure_future(socket.send(message))  # noqa: RUF006

    async def cut(self, code: int = 1012, reason: str = "restart") -> None:
        for socket in list(self.sockets):
            await socket.close(code, reason)

    async def restore(self, lengths: dict[str, int], greets: str = "") -> None:
        """Be what it was when the logs had so many entries, as after a restore from a backup."""
        self.generation, self.greets = f"restored {lengths}", greets
        self.logs = defaultdict(list, {i: self.logs[i][:end] for i, end in lengths.items()})
        await self.cut()

    # --- inside ---

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        tasks = []
        try:
            async for message in socket:
                tasks.append(asyncio.ensure_future(self._request(socket, message)))
        finally:
            self.sockets.remove(socket)

    async def _request(self, socket: ServerConnection, message: str | bytes) -> None:
        request = msgspec.json.decode(message)
        method, params = request["method"], request.get("params", {})
        self.requests.append((method, params))
        fault = self.faults[method].pop(0) if self.faults[method] else None
        if fault == "cut":
            socket.transport.abort()
            return
        answer: Params = {"id": request["id"]}
        try:
            if isinstance(fault, Refusal):
                raise fault
            answer["result"] = self._answer(method, params)
        except Refusal as refusal:
            answer["error"] = refusal.error
        if isinstance(fault, asyncio.Event):
            await fault.wait()
        if fault == "drop":
            socket.transport.abort()
            return
        if not self.is_mute:
            with suppress(ConnectionClosed):  # whoever asked may have gone
                await socket.send(msgspec.json.encode(answer).decode())

    def _answer(self, method: str, params: Params) -> Any:
        if method == "hello":
            if params["token"] != "good":
                raise Refusal("unauthenticated")
            now_ms = 1_800_000_000_000
            return {
                "user_id": "me",
                "device_id": "phone",
                "heartbeat_s": self.heartbeat_s,
                "time_ms": now_ms,
                "generation": self.greets or self.generation,
            }
        handler = getattr(self, "_" + method.replace(".", "_"), None)
        if handler is None:
            raise Refusal("unknown_method")
        return handler(params)

    def _ping(self, _: Params) -> Params:
        return {"time_ms": 1}

    def _user_get(self, params: Params) -> Params:
        return {"users": [self.profile(user) for user in params["user_ids"]]}

    def profile(self, user: str) -> Params:
        return {"user_id": user, "name": self.names.get(user, user.title())}

    def _conversation_delivered(self, _: Params) -> Params:
        return {}

    def _conversation_get(self, params: Params) -> Params:
        return self._remote(params["conversation_id"])

    def _conversation_read(self, params: Params) -> Params:
        log = self.logs[params["conversation_id"]]
        seq = min(params["seq"], len(log))
        return {"read_seq": seq, "read_ordinal": log[seq - 1]["ordinal"], "unread": 0}

    def _message_send(self, params: Params) -> Params:
        log_id, client_id = params["conversation_id"], params["client_id"]
        for entry in self.logs[log_id]:
            if entry["client_id"] == client_id:
                return _ack(entry)
        body = {"content": params["content"]}
        return _ack(self.entry(log_id, "me", "message", body, client_id, push=False))

    def _message_get(self, params: Params) -> Params:
        """Return the message with its last edit, wherever that tells its content."""
        log = self.logs[params["conversation_id"]]
        message = log[params["seq"] - 1]
        now = self.contents.get((params["conversation_id"], params["seq"]))
        return message if now is None else {**message, "body": now}

    def _conversation_history(self, params: Params) -> Params:
        log = self.logs[params["conversation_id"]]
        limit = params["limit"]
        if params.get("after_seq") is not None:
            found = [entry for entry in log if entry["seq"] > params["after_seq"]][:limit]
            after = params["after_seq"]
            to_seq = found[-1]["seq"] if found else after
            return _page(found, after + 1, to_seq, after > 0, to_seq < len(log))
        before = params.get("before_seq") or len(log) + 1
        found = [entry for entry in log if entry["seq"] < before][-limit:]
        from_seq = found[0]["seq"] if found else 1
        return _page(found, from_seq, before - 1, from_seq > 1, before <= len(log))

    def _conversation_user_log(self, params: Params) -> Params:
        log = self.logs["@me"]
        found = [entry for entry in log if entry["seq"] > params["after_seq"]]
        return _page(found, params["after_seq"] + 1, len(log), False, False)

    def _conversation_sync(self, params: Params) -> Params:
        conversations = []
        for log_id, log in sorted(self.logs.items()):
            known = params["known"].get(log_id, 0)
            if log_id == "@me" or log_id in self.left or known == len(log):
                continue
            entries = log[max(known, len(log) - 20) :]
            from_seq = entries[0]["seq"] if entries else len(log) + 1
            conversations.append(
                {
                    "conversation": self._remote(log_id),
                    "entries": entries,
                    "from_seq": from_seq,
                    "gap": from_seq > known + 1,
                }
            )
        return {
            "conversations": conversations,
            "left": [log_id for log_id in params["known"] if log_id in self.left],
            "user_seq": len(self.logs["@me"]),
            "user_entries": self.logs["@me"][params["user_seq"] :],
            "generation": self.generation,
        }

    def _remote(self, log_id: str) -> Params:
        log = self.logs[log_id]
        ordinal = log[-1]["ordinal"] if log else 0
        mine = max((e["ordinal"] for e in log if e["sender"] == "me"), default=0)
        return {
            "conversation_id": log_id,
            "kind": "direct",
            "peer_id": "bob",
            "head": {"seq": len(log), "ordinal": ordinal, "epoch": 1},
            "member": {
                "user_id": "me",
                "visible_from": 1,
                "joined_at_ms": 0,
                "active": log_id not in self.left,
            },
            "preference": {},
            "unread": ordinal - mine,
        }


def _text(value: str) -> Params:
    return {"type": "text", "text": value}


def _ack(entry: Params) -> Params:
    return {name: entry[name] for name in ("seq", "ordinal", "sent_at_ms")}


def _page(entries: list[Params], from_seq: int, to_seq: int, before: bool, after: bool) -> Params:
    return {
        "entries": entries,
        "from_seq": from_seq,
        "to_seq": to_seq,
        "more_before": before,
        "more_after": after,
    }
