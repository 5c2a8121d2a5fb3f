"""The subscriber: receives batches, drops what concerns nobody here, and detects losses."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from hongyan.delivery.ports import Event, UserConversations
from hongyan.kernel.ids import ConversationId, LogId, UserId, log_owner, user_log
from hongyan.kernel.tasks import end_tasks

from .batch import GREETING, EventBatch, Heartbeat, RoutedEvent, decode_message, event_of
from .interests import Interests
from .loss_detection import LossDetector
from .ports import Follower, Transport
from .publisher import HEARTBEATS
from .subscriptions import Subscriptions

log = logging.getLogger(__name__)

MOVES_KEPT = 20_000
"""Joins and leaves that are remembered, so that an older one does not undo a newer one."""
HELD_MAX = 1_000
"""Events of one conversation that wait until it is followed; more are a possible loss."""
ASKING_MAX = 32
"""Users whose conversations are asked for at the same time."""
RETRY_S = 0.5


class _Arrival:
    """A user who is here: from ``connected`` to ``disconnected``."""

    __slots__ = ("is_asking", "left", "task")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        """Makes the user's events come here; None when it is done."""
        self.is_asking = False
        self.left: set[ConversationId] = set()
        """Conversations that the user left while they were asked for."""


class RoutedSubscriber:
    """The ``Subscriber`` over a transport.

    Args:
        transport: Carries the batches; it is started and closed here.
        follower: Makes events come here.
        listening: What the follower and this subscriber listen to.
        conversations: Finds a user's conversations; asked over the network.
        interests: Filled here; give it to the hub.
        now_s: A clock that never goes back.
        heartbeat_s: Seconds between the heartbeats of a publisher.

    Attributes:
        stray: How many events came that concern nobody here.
        resyncs: How often events may have been lost on the way here.
    """

    def __init__(
        self,
        transport: Transport,
        follower: Follower,
        listening: Subscriptions,
        conversations: UserConversations,
        interests: Interests,
        now_s: Callable[[], float],
        heartbeat_s: float = 1.0,
    ) -> None:
        self.stray = self.resyncs = 0
        self._transport = transport
        self._follower = follower
        self._listening = listening
        self._conversations = conversations
        self._here = interests
        self._publishers = LossDetector(now_s, heartbeat_s)
        self._heartbeat_s = heartbeat_s
        self._on_event: Callable[[Event], None] = lambda _: None
        self._on_possible_loss: Callable[[], None] = lambda: None
        self._arrivals: dict[UserId, _Arrival] = {}
        self._held: dict[ConversationId, list[RoutedEvent]] = {}
        """Conversations that are not followed yet, and what came of them meanwhile."""
        self._following: dict[ConversationId, asyncio.Future[None]] = {}
        """Conversations that begin to be followed."""
        self._moves: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._joins: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._asking = asyncio.Semaphore(ASKING_MAX)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._resyncs = asyncio.Event()

    async def start(
        self, on_event: Callable[[Event], None], on_possible_loss: Callable[[], None]
    ) -> None:
        """See ``Subscriber.start``."""
        self._on_event, self._on_possible_loss = on_event, on_possible_loss
        self._listening.on_end = self._publishers.forget
        await self._transport.start(self.take, self.request_resync)
        await self._listening.acquire((HEARTBEATS,))
        await self._follower.start()
        self._run(self._watch())
        self._run(self._clear_resyncs())

    async def connected(self, user_id: UserId) -> None:
        """See ``Subscriber.connected``."""
        arrival = self._arrivals.get(user_id)
        if arrival is None:
            arrival = self._arrivals[user_id] = _Arrival()
            self._here.open(user_id)
            arrival.task = self._run(self._arrive(user_id, arrival))
        if arrival.task is not None:
            await asyncio.shield(arrival.task)

    def disconnected(self, user_id: UserId) -> None:
        """See ``Subscriber.disconnected``."""
        arrival = self._arrivals.pop(user_id, None)
        if arrival is None:
            return
        self._unfollow(self._here.close(user_id))
        if arrival.task is None:  # else the task finds that the user went
            self._follower.unfollow([user_log(user_id)])

    async def close(self) -> None:
        """See ``Subscriber.close``."""
        await end_tasks(self._tasks)
        await self._follower.close()
        await self._transport.close()

    def request_resync(self) -> None:
        """Something may have been lost on the way here."""
        self._resyncs.set()

    # --- users ---

    async def _arrive(self, user_id: UserId, arrival: _Arrival) -> None:
        await self._follower.follow([user_log(user_id)])
        found = await self._ask(user_id, arrival)
        if self._arrivals.get(user_id) is arrival:
            await self._enter(user_id, found - arrival.left)
        arrival.task = None
        if self._arrivals.get(user_id) is not arrival:
            self._follower.unfollow([user_log(user_id)])

    async def _ask(self, user_id: UserId, arrival: _Arrival) -> set[ConversationId]:
        """Return the user's conversations, as long as it takes to learn them."""
        arrival.is_asking = True
        try:
            while self._arrivals.get(user_id) is arrival:
                arrival.left.clear()
                try:
                    async with self._asking:
                        return set(await self._conversations.conversations(user_id))
                except Exception as error:
                    log.warning("cannot learn the conversations of %s: %s", user_id, error)
                    await asyncio.sleep(RETRY_S)
        finally:
            arrival.is_asking = False
        return set()

    async def _enter(self, user_id: UserId, conversation_ids: Collection[ConversationId]) -> None:
        fresh = [
            each
            for each in conversation_ids
            if not self._here.is_followed(each) and each not in self._held
        ]
        self._here.enter(user_id, conversation_ids)
        if fresh:
            done = asyncio.get_running_loop().create_future()
            self._following |= dict.fromkeys(fresh, done)
            await self._follower.follow(list(map(LogId, fresh)))
            self._followed(fresh, done)
        waiting = {self._following[each] for each in conversation_ids if each in self._following}
        if waiting:  # for what others, who came a moment ago, began to follow
            await asyncio.wait(waiting)

    def _followed(
        self, conversation_ids: Iterable[ConversationId], done: asyncio.Future[None]
    ) -> None:
        done.set_result(None)
        for conversation_id in conversation_ids:
            if self._following.get(conversation_id) is done:
                del self._following[conversation_id]

    def _unfollow(self, conversation_ids: Iterable[ConversationId]) -> None:
        """Nobody here is in these any more; what is held ends by itself."""
        logs = [LogId(each) for each in conversation_ids if each not in self._held]
        if logs:
            self._follower.unfollow(logs)

    # --- what arrives ---

    def take(self, subject: str, payload: bytes) -> None:
        """Take what was carried here."""
        try:
            message = decode_message(payload)
        except msgspec.MsgspecError:
            log.warning("what came on %s is no letter", subject)
            return
        if isinstance(message, EventBatch):
            if message.number == GREETING:
                if self._arrivals:  # they came before the publisher knew of this node
                    self.request_resync()
                return
            is_new, is_missing = self._publishers.received(subject, message)
            if is_missing:
                self.request_resync()
            if is_new:
                for routed in message.items:
                    self._pass(routed)
        elif isinstance(message, Heartbeat) and self._publishers.heartbeat(
            message, self._listening.subjects
        ):
            self.request_resync()

    def _pass(self, routed: RoutedEvent) -> None:
        owner = log_owner(routed.log_id)
        if owner is not None:
            if owner in self._here:
                self._hand_on(routed)
            else:
                self.stray += 1
            return
        conversation_id = ConversationId(routed.log_id)
        if routed.moved:
            self._move(conversation_id, routed)
        elif conversation_id in self._held:
            self._hold(conversation_id, routed)
        elif self._here.is_followed(conversation_id):
            self._hand_on(routed)
        else:
            self.stray += 1

    def _hand_on(self, routed: RoutedEvent) -> None:
        try:
            self._on_event(event_of(routed))
        except Exception:
            log.exception("a %s of %s could not be handed on", routed.kind, routed.log_id)

    def _move(self, conversation_id: ConversationId, routed: RoutedEvent) -> None:
        users = [user_id for user_id in routed.moved if user_id in self._here]
        if routed.is_leave:
            self._leave(conversation_id, routed, users)
        elif conversation_id in self._held:
            self._hold(conversation_id, routed)
        elif self._here.is_followed(conversation_id):
            if not routed.is_copy:
                self._enter_known(conversation_id, routed, users)
                self._join(routed)
        elif users:
            self._held[conversation_id] = [routed]
            done = asyncio.get_running_loop().create_future()
            self._following[conversation_id] = done
            self._run(self._follow(conversation_id, done))
        else:
            self.stray += 1

    def _leave(
        self, conversation_id: ConversationId, routed: RoutedEvent, users: list[UserId]
    ) -> None:
        for user_id in users:
            arrival = self._arrivals.get(user_id)
            if arrival is not None and arrival.is_asking:
                arrival.left.add(conversation_id)
        if routed.is_copy:
            return
        if conversation_id in self._held:
            self._hold(conversation_id, routed)
            return
        if self._here.is_followed(conversation_id):
            self._hand_on(routed)
        for user_id in users:
            if self._is_newer(conversation_id, user_id, routed.seq) and self._here.leave(
                user_id, conversation_id
            ):
                self._unfollow((conversation_id,))

    def _enter_known(
        self, conversation_id: ConversationId, routed: RoutedEvent, users: list[UserId]
    ) -> None:
        for user_id in users:
            if self._is_newer(conversation_id, user_id, routed.seq):
                self._here.enter(user_id, (conversation_id,))
                self._arrivals[user_id].left.discard(conversation_id)

    def _join(self, routed: RoutedEvent) -> None:
        """Hand a join on, but only once: it may have come by the users' subjects too."""
        key = (routed.log_id, routed.seq)
        if key not in self._joins:
            self._joins[key] = None
            if len(self._joins) > MOVES_KEPT:
                self._joins.popitem(last=False)
            self._hand_on(routed)

    def _is_newer(self, conversation_id: ConversationId, user_id: UserId, seq: int) -> bool:
        key = (conversation_id, user_id)
        if seq <= self._moves.pop(key, 0):
            return False
        self._moves[key] = seq
        if len(self._moves) > MOVES_KEPT:
            self._moves.popitem(last=False)
        return True

    def _hold(self, conversation_id: ConversationId, routed: RoutedEvent) -> None:
        items = self._held[conversation_id]
        if len(items) < HELD_MAX:
            items.append(routed)
        else:
            self.request_resync()

    async def _follow(self, conversation_id: ConversationId, done: asyncio.Future[None]) -> None:
        """Follow a conversation that somebody here joined; then hand on what came of it.

        What is published before it is followed never comes here. Who joins reads the conversation
        when the join is pushed, and that is later.
        """
        await self._follower.follow([LogId(conversation_id)])
        self._followed((conversation_id,), done)
        held = self._held.pop(conversation_id)
        for routed in held:
            if routed.moved and not routed.is_leave:
                users = [user_id for user_id in routed.moved if user_id in self._here]
                self._enter_known(conversation_id, routed, users)
        if not self._here.is_followed(conversation_id):
            self._follower.unfollow([LogId(conversation_id)])
            return
        for routed in held:
            if routed.is_leave:
                self._pass(routed)
            elif routed.moved:
                self._join(routed)
            else:
                self._hand_on(routed)

    # --- losses ---

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            await asyncio.sleep(self._heartbeat_s)
            self._listening.sweep()
            if loop.time() - began_s > 2 * self._heartbeat_s:
                self._publishers.excuse()
            if self._publishers.silent():
                self.request_resync()

    async def _clear_resyncs(self) -> None:
        """Read anew who belongs where, as a join may be lost too; then report the possible loss."""
        while True:
            await self._resyncs.wait()
            self._resyncs.clear()
            await asyncio.gather(*map(self._refresh, list(self._arrivals)))
            self.resyncs += 1
            self._on_possible_loss()
            await asyncio.sleep(self._heartbeat_s)  # several losses in a row are one resync more

    async def _refresh(self, user_id: UserId) -> None:
        arrival = self._arrivals.get(user_id)
        if arrival is None:
            return
        if arrival.task is not None:
            await asyncio.shield(arrival.task)
        before = set(self._here.of(user_id))
        found = await self._ask(user_id, arrival)
        if self._arrivals.get(user_id) is not arrival:
            return
        for conversation_id in before - found:
            if self._here.leave(user_id, conversation_id):
                self._unfollow((conversation_id,))
        await self._enter(user_id, found - arrival.left)

    def _run(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
