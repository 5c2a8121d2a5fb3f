"""The outbox of a device: durable, in order for each conversation, retried."""

import asyncio
from collections.abc import Awaitable, Callable, Generator

from .backoff import Backoff
from .errors import ConnectionLost, LoggedOut, ProtocolError, Refused
from .models import Ack, Message, OutboxItem
from .store import Store


class Sending:
    """A message on its way. Await it to have the message as it stands on the server.

    Nobody needs to await: the outbox works by itself, also after a restart.

    Raises:
        Refused: the server refused it for good.
    """

    def __init__(self, client_id: str, settled: "asyncio.Future[Message]") -> None:
        self.client_id = client_id
        self._settled = settled

    def __await__(self) -> Generator[None, None, Message]:
        return (yield from asyncio.shield(self._settled).__await__())


class Outbox:
    """Delivers the items of the store, one at a time in each conversation.

    Args:
        store: Holds the items.
        deliver: Sends an item once and returns the ack; raises ``Refused`` or
            ``ConnectionLost``.
        ready: Waits until there is a connection and this conversation can be sent to.
        sent: Awaited with an item and its ack; takes it out of the store.
        failed: Called with an item that was refused for good.
        backoff: Makes the waits between retries of one item.
    """

    def __init__(
        self,
        store: Store,
        deliver: Callable[[OutboxItem], Awaitable[Ack]],
        ready: Callable[[str], Awaitable[None]],
        sent: Callable[[OutboxItem, Ack], Awaitable[None]],
        failed: Callable[[OutboxItem, Refused], None],
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._ready = ready
        self._sent = sent
        self._failed = failed
        self._backoff = backoff
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._settled: dict[str, asyncio.Future[Message]] = {}
        self._in_flight: dict[str, asyncio.Event] = {}

    def start(self) -> None:
        """Go on with what an earlier process left."""
        for item in self._store.outbox():
            if not item.error_code:
                self._wake(item.conversation_id)

    def put(self, item: OutboxItem) -> Sending:
        """Store an item and deliver it when its turn comes."""
        self._store.put_item(item)
        return self.resume(item)

    def resume(self, item: OutboxItem) -> Sending:
        """Deliver an item of the store when its turn comes."""
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._settled[item.client_id] = future
        self._wake(item.conversation_id)
        return Sending(item.client_id, future)

    def settle(self, client_id: str, outcome: Message | Refused) -> None:
        """Say to whoever awaits the item how it ended."""
        future = self._settled.pop(client_id, None)
        if future is None or future.done():
            return
        if isinstance(outcome, Refused):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    async def quiet(self, conversation_id: str, timeout_s: float) -> None:
        """Wait until nothing is in flight in this conversation, but not longer than this."""
        event = self._in_flight.get(conversation_id)
        if event is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    await event.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        """Stop; what was not delivered stays in the store."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for future in self._settled.values():
            future.cancel()

    def _wake(self, conversation_id: str) -> None:
        if conversation_id not in self._workers:
            work = asyncio.get_running_loop().create_task(self._work(conversation_id))
            self._workers[conversation_id] = work

    async def _work(self, conversation_id: str) -> None:
        try:
            await self._send_all(conversation_id)
        except LoggedOut:
            pass  # what is left waits for the next login
        finally:
            del self._workers[conversation_id]  # at once: the next item needs another worker

    async def _send_all(self, conversation_id: str) -> None:
        backoff = self._backoff()
        while (item := self._store.next_item(conversation_id)) is not None:
            await self._ready(conversation_id)
            wait_s = 0.0
            try:
                ack = await self._in_flight_once(item)
            except Refused as refusal:
                if refusal.retryable:
                    wait_s = max(backoff.next_s(), refusal.retry_after_ms / 1000)
                else:
                    self._failed(item, refusal)
            except (ConnectionLost, ProtocolError):
                wait_s = backoff.next_s()
            else:
                backoff.reset()
                await self._sent(item, ack)
            if wait_s:
                await asyncio.sleep(wait_s)

    async def _in_flight_once(self, item: OutboxItem) -> Ack:
        done = self._in_flight[item.conversation_id] = asyncio.Event()
        try:
            return await self._deliver(item)
        finally:
            del self._in_flight[item.conversation_id]
            asyncio.get_running_loop().call_soon(done.set)  # when the ack was taken
