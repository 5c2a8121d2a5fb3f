"""A device: keeps what it saw, syncs when it is back, and sends until it is acknowledged."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from .checker import Ack
from .checker_webhook import Author
from .client import Client, Gone, Refused

HISTORY_LIMIT = 200
AGAIN_S = (0.02, 0.15)
TWICE = 0.05
"""How often a message is sent twice at once, as a nervous client might."""
READ = 0.2
ANSWER_S = 60.0


class Device:
    """One device of one user.

    Args:
        name: Unique among all devices.
        user_id: Whose it is.
        token: Its access token.
        places: Where servers listen, ``HOST:PORT``; each connection takes one of them.
        conversations: Where its user may write.
        acked: Called at each acknowledgement with how many seconds it took.
        noticed: Called with each entry that is new to the device.
    """

    def __init__(
        self,
        name: str,
        user_id: str,
        token: str,
        places: Sequence[str],
        conversations: list[str],
        acked: Callable[[float], None] = lambda waited_s: None,
        noticed: Callable[["Device", dict[str, Any]], None] = lambda device, entry: None,
    ) -> None:
        self.name, self.user_id = name, user_id
        self.conversations = conversations
        self.view: dict[str, dict[int, Author]] = {one: {} for one in conversations}
        self.acks: list[Ack] = []
        self.in_order: list[Ack] = []
        """Those of ``acks`` that were sent one after the other."""
        self.read: dict[str, int] = defaultdict(int)
        self.conflicts: list[str] = []
        self.retries = 0
        self.trouble = ""
        self._whole = dict.fromkeys(conversations, 0)
        self._token, self._places = token, places
        self._acked = acked
        self._noticed = noticed
        self._client: Client | None = None
        self._number = 0
        self._connecting = asyncio.Lock()

    # --- what it holds ---

    def whole(self, conversation_id: str) -> int:
        """Return the seq up to which the device has everything."""
        seq, view = self._whole[conversation_id], self.view[conversation_id]
        while seq + 1 in view:
            seq += 1
        self._whole[conversation_id] = seq
        return seq

    def take(self, entry: dict[str, Any]) -> None:
        """Keep an entry."""
        view = self.view.get(entry["log_id"])
        if view is None:
            return
        author = (entry["sender"], entry["client_id"])
        if entry["seq"] not in view:
            self._noticed(self, entry)
        if view.setdefault(entry["seq"], author) != author:
            self.conflicts.append(f"{self.name}: two entries at {entry['log_id']} {entry['seq']}")

    def _pushed(self, message: dict[str, Any]) -> None:
        if message["event"] == "entry":
            self.take(message["data"])

    # --- the connection ---

    @property
    def is_online(self) -> bool:
        """Whether it is connected and synced."""
        return self._client is not None and self._client.is_open

    async def client(self) -> Client:
        """Return a connection that is logged in and synced; wait until there is one."""
        async with self._connecting:
            while self._client is None or not self._client.is_open:
                try:
                    place = random.choice(self._places)
                    client = await Client.open(place, self._token, self._pushed)
                    await self._sync(client)
                    self._client = client
                except Refused as refusal:
                    if not refusal.retryable:
                        raise
                    await asyncio.sleep(random.uniform(*AGAIN_S))
                except Gone:
                    await asyncio.sleep(random.uniform(*AGAIN_S))
            return self._client

    async def _sync(self, client: Client) -> None:
        known = {one: self.whole(one) for one in self.conversations}
        after = ""
        while True:
            page = await client.call("conversation.sync", known=known, after=after)
            for synced in page["conversations"]:
                for entry in synced["entries"]:
                    self.take(entry)
                await self.fill(client, synced["conversation"]["conversation_id"], synced)
            after = page["next_after"]
            if not after:
                return

    async def fill(self, client: Client, name: str, synced: dict[str, Any]) -> None:
        """Ask for what lies between what the device has and what the sync gave."""
        while synced["gap"] and self.whole(name) < synced["from_seq"] - 1:
            before = self.whole(name)
            await self._page(client, name)
            if self.whole(name) == before:
                self.conflicts.append(f"{self.name}: no history of {name} after {before}")
                return

    async def _page(self, client: Client, name: str) -> dict[str, Any]:
        page: dict[str, Any] = await client.call(
            "conversation.history",
            conversation_id=name,
            after_seq=self.whole(name),
            limit=HISTORY_LIMIT,
        )
        for entry in page["entries"]:
            self.take(entry)
        return page

    async def hang_up(self) -> None:
        """Go offline."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def drop(self) -> None:
        """Lose the connection."""
        if self._client is not None:
            self._client.abort()

    # --- what it does ---

    async def live(self, stopping: asyncio.Event, pause_s: tuple[float, float]) -> None:
        """Send and read until told to stop; then finish what was begun."""
        while not stopping.is_set():
            await self.say(random.choice(self.conversations), f"{self.name} says {self._number}")
            if random.random() < READ:
                await self.mark_read(random.choice(self.conversations))
            await asyncio.sleep(random.uniform(*pause_s))

    async def say(self, conversation_id: str, text: str) -> None:
        """Send a text."""
        await self.deliver(self.compose(conversation_id, text))

    async def show(self, conversation_id: str, media_id: str) -> None:
        """Send a message that shows a file."""
        message = self.compose(conversation_id, "")
        await self.deliver(message | {"content": {"type": "file", "media_id": media_id}})

    async def deliver(self, message: dict[str, Any]) -> None:
        """Send a message, again and again with the same client id until it is acknowledged."""
        began = time.monotonic()
        ack = await self.insist("message.send", message, twice=random.random() < TWICE)
        self.acknowledge(message, ack["seq"])
        self._acked(time.monotonic() - began)

    def compose(self, conversation_id: str, text: str, client_id: str = "") -> dict[str, Any]:
        """Return what ``message.send`` takes, with a fresh client id where none is given."""
        self._number += 1
        return {
            "conversation_id": conversation_id,
            "client_id": client_id or f"{self.name}-{self._number}",
            "content": {"type": "text", "text": text},
        }

    def acknowledge(self, message: dict[str, Any], seq: int, in_order: bool = True) -> None:
        """Note that the server has a message; ``in_order`` when it was sent after all others."""
        where, author = message["conversation_id"], (self.user_id, message["client_id"])
        ack = Ack(where, author, seq)
        self.acks.append(ack)
        if in_order:
            self.in_order.append(ack)
        if self.view[where].setdefault(seq, author) != author:
            self.conflicts.append(f"{self.name}: {author} acknowledged at the taken seq {seq}")

    async def mark_read(self, conversation_id: str) -> None:
        """Read up to where everything is there."""
        seq = self.whole(conversation_id)
        if seq:
            params = {"conversation_id": conversation_id, "seq": seq}
            mark = await self.insist("conversation.read", params)
            self.read[conversation_id] = max(self.read[conversation_id], mark["read_seq"], seq)

    async def insist(self, method: str, params: dict[str, Any], twice: bool = False) -> Any:
        """Return the answer; ask again until there is one."""
        started = time.monotonic()
        while True:
            client = await self.client()
            try:
                if twice:
                    asks = (client.call(method, **params), client.call(method, **params))
                    answers = await asyncio.gather(*asks, return_exceptions=True)
                    good = [answer for answer in answers if not isinstance(answer, Exception)]
                    if not good:
                        raise next(one for one in answers if isinstance(one, Exception))
                    if len(good) == 2 and good[0] != good[1]:
                        self.conflicts.append(f"{self.name}: two answers to one: {good}")
                    return good[0]
                return await client.call(method, **params)
            except Gone as gone:
                self.retries += 1
                self.trouble = repr(gone.__cause__)
                await asyncio.sleep(random.uniform(*AGAIN_S))
            except Refused as refusal:
                if not refusal.retryable:
                    raise
                self.retries += 1
                await asyncio.sleep(random.uniform(*AGAIN_S))
            if time.monotonic() - started > ANSWER_S:
                raise TimeoutError(f"{self.name}: {method} was never answered: {self.trouble}")

    # --- the end ---

    async def catch_up(self) -> None:
        """Come back once more, as after a restart, and sync to the end."""
        await self.hang_up()
        await self.client()

    async def whole_log(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return a conversation's whole log as the server has it now."""
        entries: list[dict[str, Any]] = []
        while True:
            page = await self.insist(
                "conversation.history",
                {
                    "conversation_id": conversation_id,
                    "after_seq": entries[-1]["seq"] if entries else 0,
                    "limit": HISTORY_LIMIT,
                },
            )
            entries += page["entries"]
            if not page["more_after"]:
                return entries

    async def places(self) -> list[dict[str, Any]]:
        """Return the user's conversations as the server lists them."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self.insist("conversation.list", {"after": after, "limit": 500})
            found += page["conversations"]
            after = page["next_after"]
            if not after:
                return found
