"""Carries batches by Redis' PUBLISH and SUBSCRIBE."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from hongyan.kernel.tasks import end_tasks

from .connection import as_os_errors, connect

log = logging.getLogger(__name__)

QUEUE_BYTES_MAX = 32 * 1024 * 1024
PIPELINE_MAX = 200
PING_S = 2.0
SILENCE_S = 6.0
RETRY_S = 0.2
LISTEN_S = 2.0
CLOSE_S = 1.0


class RedisTransport:
    """The ``Transport`` of the routes, with two connections of its own.

    Args:
        url: Where Redis is.
        prefix: What all channels begin with: the cluster's name.
        name: What the operator of Redis sees.

    Attributes:
        dropped: How many payloads could not be sent.
    """

    def __init__(self, url: str, prefix: str, name: str) -> None:
        self.dropped = 0
        self._prefix = prefix + ".routes."
        self._sending: Redis = connect(url, name)
        self._receiving: Redis = connect(url, name, timeout_s=None)
        self._pubsub: PubSub | None = None
        self._subjects: set[str] = set()
        self._confirming: dict[str, asyncio.Future[None]] = {}
        self._queue: deque[tuple[str, bytes]] = deque()
        self._queued_bytes = 0
        self._wake, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._received_s = 0.0
        self._on_payload: Callable[[str, bytes], None] = lambda _subject, _payload: None
        self._on_possible_loss: Callable[[], None] = lambda: None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(
        self, on_payload: Callable[[str, bytes], None], on_possible_loss: Callable[[], None]
    ) -> None:
        """See ``Transport.start``."""
        self._on_payload, self._on_possible_loss = on_payload, on_possible_loss
        with as_os_errors():
            await self._sending.ping()
            await self._subscribe_all()
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._send_on()),
            loop.create_task(self._receive_on()),
            loop.create_task(self._ping_on()),
        ]

    async def send(self, subject: str, payload: bytes) -> bool:
        """See ``Transport.send``."""
        if self._queued_bytes > QUEUE_BYTES_MAX:
            self.dropped += 1
            return False
        self._queue.append((self._prefix + subject, payload))
        self._queued_bytes += len(payload)
        self._idle.clear()
        self._wake.set()
        return True

    async def listen(self, subjects: Collection[str]) -> None:
        """See ``Transport.listen``."""
        fresh = [subject for subject in subjects if subject not in self._subjects]
        self._subjects.update(fresh)
        if not fresh or self._pubsub is None:
            return
        loop = asyncio.get_running_loop()
        waiting = {self._prefix + subject: loop.create_future() for subject in fresh}
        self._confirming |= waiting
        try:
            async with asyncio.timeout(LISTEN_S):
                await self._pubsub.subscribe(*waiting)
                await asyncio.gather(*waiting.values())
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("Redis does not confirm a subscription: %s", error)
            self._on_possible_loss()
        finally:
            for channel in waiting:
                self._confirming.pop(channel, None)

    def unlisten(self, subjects: Collection[str]) -> None:
        """See ``Transport.unlisten``."""
        self._subjects.difference_update(subjects)
        if self._pubsub is not None and subjects:
            task = asyncio.get_running_loop().create_task(self._unsubscribe(subjects))
            self._tasks.append(task)
            task.add_done_callback(self._tasks.remove)

    async def close(self) -> None:
        """See ``Transport.close``."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d payloads were not sent", len(self._queue))
        await end_tasks(self._tasks)
        if self._pubsub is not None:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._receiving.aclose()
        await self._sending.aclose()

    async def _send_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                some = [self._queue.popleft() for _ in range(min(len(self._queue), PIPELINE_MAX))]
                self._queued_bytes -= sum(len(payload) for _, payload in some)
                try:
                    async with self._sending.pipeline(transaction=False) as pipeline:
                        for channel, payload in some:
                            pipeline.publish(channel, payload)
                        await pipeline.execute()
                except (RedisError, OSError) as error:
                    self.dropped += len(some)
                    log.warning("%d payloads were not sent: %s", len(some), error)
            self._idle.set()

    async def _subscribe_all(self) -> None:
        pubsub = self._receiving.pubsub()
        channels = [self._prefix + subject for subject in self._subjects]
        await pubsub.subscribe(self._prefix + "here", *channels)
        await pubsub.get_message(timeout=LISTEN_S)
        self._received_s = asyncio.get_running_loop().time()
        self._pubsub = pubsub

    async def _receive_on(self) -> None:
        while True:
            try:
                if self._pubsub is None:
                    await self._subscribe_all()
                    self._on_possible_loss()
                pubsub = self._pubsub
                assert pubsub is not None
                async for message in pubsub.listen():
                    self._received(message)
            except (RedisError, OSError) as error:
                log.warning("Redis cannot be heard: %s", error)
            lost, self._pubsub = self._pubsub, None
            if lost is not None:
                await lost.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(RETRY_S)

    def _received(self, message: Any) -> None:
        self._received_s = asyncio.get_running_loop().time()
        if message["type"] == "message":
            try:
                self._on_payload(message["channel"].decode()[len(self._prefix) :], message["data"])
            except Exception:
                log.exception("a message on %s cannot be taken", message["channel"])
        elif message["type"] == "subscribe":
            future = self._confirming.get(message["channel"].decode())
            if future is not None and not future.done():
                future.set_result(None)

    async def _unsubscribe(self, subjects: Collection[str]) -> None:
        try:
            if self._pubsub is not None:
                await self._pubsub.unsubscribe(*[self._prefix + subject for subject in subjects])
        except (RedisError, OSError) as error:
            log.info("a subscription ended with its connection: %s", error)

    async def _ping_on(self) -> None:
        """See that the connection lives which only receives."""
        while True:
            await asyncio.sleep(PING_S)
            pubsub = self._pubsub
            if pubsub is None:
                continue
            try:
                if self._received_s + SILENCE_S < asyncio.get_running_loop().time():
                    await self._receiving.connection_pool.disconnect()
                else:
                    await pubsub.ping()
            except (RedisError, OSError) as error:
                log.info("Redis does not take a ping: %s", error)
