"""Carries batches over NATS."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from hongyan.delivery.routes.ports import Unanswered

from .connection import NatsConnection

log = logging.getLogger(__name__)

LISTEN_S = 2


class NatsTransport:
    """The ``Transport`` and the ``Requester`` of the routes, on a shared connection.

    Args:
        connection: The broker; opened and closed elsewhere.
        prefix: What all subjects begin with: the cluster's name.
    """

    def __init__(self, connection: NatsConnection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix + ".routes."
        self._answers = f"{self._prefix}taken.{connection.me}."
        self._on_payload: Callable[[str, bytes], None] = lambda _subject, _payload: None
        self._on_possible_loss: Callable[[], None] = lambda: None
        self._subscriptions: dict[str, Subscription] = {}
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._asks = itertools.count()
        self._listens_for_answers = False
        self._settling: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(
        self, on_payload: Callable[[str, bytes], None], on_possible_loss: Callable[[], None]
    ) -> None:
        """See ``Transport.start``."""
        if not self._connection.is_up:
            raise OSError("NATS cannot be reached")
        self._on_payload, self._on_possible_loss = on_payload, on_possible_loss
        self._connection.on_back(self._back)

    async def send(self, subject: str, payload: bytes) -> bool:
        """See ``Transport.send``."""
        return self._connection.publish(self._prefix + subject, payload)

    async def listen(self, subjects: Collection[str]) -> None:
        """See ``Transport.listen``; calls of one turn of the event loop share one round trip."""
        if not subjects:
            return
        for subject in subjects:
            if subject not in self._subscriptions:
                self._subscriptions[subject] = await self._connection.subscribe(
                    self._prefix + subject, self._taken, confirms=True
                )
        if self._settling is None:
            self._settling = self._run(self._settle())
        await asyncio.shield(self._settling)

    def unlisten(self, subjects: Collection[str]) -> None:
        """See ``Transport.unlisten``."""
        for subject in subjects:
            subscription = self._subscriptions.pop(subject, None)
            if subscription is not None:
                self._run(_unsubscribe(subscription))

    async def ask(self, subject: str, payload: bytes, timeout_s: float) -> None:
        """See ``Requester.ask``."""
        if not self._listens_for_answers:
            self._listens_for_answers = True
            await self._connection.subscribe(
                self._answers + "*",
                lambda answer, _: self._answered(answer, True),
                lambda answer: self._answered(answer, False),
            )
        answer = f"{self._answers}{next(self._asks)}"
        future = self._asked[answer] = asyncio.get_running_loop().create_future()
        try:
            self._connection.publish(self._prefix + subject, payload, answer)
            async with asyncio.timeout(timeout_s):
                was_taken = await future
        except TimeoutError as error:
            raise Unanswered(f"{subject} does not answer") from error
        finally:
            del self._asked[answer]
        if not was_taken:
            raise Unanswered(f"nobody listens at {subject}")

    async def close(self) -> None:
        """See ``Transport.close``; the connection stays open."""
        self._on_possible_loss = lambda: None
        self.unlisten(list(self._subscriptions))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.flush(1.0)

    def _back(self) -> None:
        self._on_possible_loss()

    def _taken(self, subject: str, payload: bytes) -> None:
        self._on_payload(subject[len(self._prefix) :], payload)

    def _answered(self, answer: str, was_taken: bool) -> None:
        future = self._asked.get(answer)
        if future is not None and not future.done():
            future.set_result(was_taken)

    async def _settle(self) -> None:
        """Return when the broker knows of the subscriptions made until now."""
        await asyncio.sleep(0)
        self._settling = None
        if not self._connection.is_up:
            return  # a resync follows when it is back
        try:
            await self._connection.client.flush(LISTEN_S)
        except (NatsError, OSError, TimeoutError) as error:
            log.warning("NATS does not confirm a subscription: %s", error)
            self._on_possible_loss()

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _unsubscribe(subscription: Subscription) -> None:
    try:
        await subscription.unsubscribe()
    except NatsError as error:
        log.info("a subscription ended with its connection: %s", error)
