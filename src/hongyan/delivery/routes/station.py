"""A node's side: takes parcels, leaves out what concerns nobody here, and notices losses."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from hongyan.delivery.ports import Fact, UserConversations
from hongyan.kernel.ids import ConversationId, LogId, UserId, log_owner, user_log

from .counting import Tellers
from .interests import Interests
from .listening import Listening
from .parcel import GREETING, Beat, Parcel, Told, decode_letter, fact_of
from .ports import Carrier, Follower
from .teller import BEATS

log = logging.getLogger(__name__)

MOVES_KEPT = 20_000
"""Joins and leaves that are remembered, so that an older one does not undo a newer one."""
HELD_MAX = 1_000
"""Facts of one conversation that wait until it is followed; more become doubt."""
ASKING_MAX = 32
"""Users whose conversations are asked for at the same time."""
RETRY_S = 0.5


class _Arrival:
    """A user who is here: from ``came`` to ``went``."""

    __slots__ = ("is_asking", "left", "task")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        """Makes the user's facts come here; None when it is done."""
        self.is_asking = False
        self.left: set[ConversationId] = set()
        """What the user left while their conversations were asked for."""


class RoutedStation:
    """The ``Station`` over a carrier.

    Args:
        carrier: Carries the parcels; it is started and closed here.
        follower: Makes facts come here.
        listening: What the follower and this station listen to.
        conversations: Tells a user's conversations; asked over the network.
        interests: Filled here; give it to the hub.
        now_s: A clock that never goes back.
        beat_s: How often tellers beat.

    Attributes:
        stray: How many facts came that concern nobody here.
        doubts: How often facts may have been lost on the way here.
    """

    def __init__(
        self,
        carrier: Carrier,
        follower: Follower,
        listening: Listening,
        conversations: UserConversations,
        interests: Interests,
        now_s: Callable[[], float],
        beat_s: float = 1.0,
    ) -> None:
        self.stray = self.doubts = 0
        self._carrier = carrier
        self._follower = follower
        self._listening = listening
        self._conversations = conversations
        self._here = interests
        self._tellers = Tellers(now_s, beat_s)
        self._beat_s = beat_s
        self._on_fact: Callable[[Fact], None] = lambda _: None
        self._on_doubt: Callable[[], None] = lambda: None
        self._arrivals: dict[UserId, _Arrival] = {}
        self._held: dict[ConversationId, list[Told]] = {}
        """Conversations that are not followed yet, and what came of them meanwhile."""
        self._following: dict[ConversationId, asyncio.Future[None]] = {}
        """Conversations that begin to be followed."""
        self._moves: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._joins: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._asking = asyncio.Semaphore(ASKING_MAX)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._doubts = asyncio.Event()

    async def start(self, on_fact: Callable[[Fact], None], on_doubt: Callable[[], None]) -> None:
        """See ``Station.start``."""
        self._on_fact, self._on_doubt = on_fact, on_doubt
        self._listening.on_end = self._tellers.forget
        await self._carrier.start(self.take, self.doubt)
        await self._listening.hold((BEATS,))
        await self._follower.start()
        self._run(self._watch())
        self._run(self._clear_doubts())

    async def came(self, user_id: UserId) -> None:
        """See ``Station.came``."""
        arrival = self._arrivals.get(user_id)
        if arrival is None:
            arrival = self._arrivals[user_id] = _Arrival()
            self._here.open(user_id)
            arrival.task = self._run(self._arrive(user_id, arrival))
        if arrival.task is not None:
            await asyncio.shield(arrival.task)

    def went(self, user_id: UserId) -> None:
        """See ``Station.went``."""
        arrival = self._arrivals.pop(user_id, None)
        if arrival is None:
            return
        self._unfollow(self._here.close(user_id))
        if arrival.task is None:  # else the task finds that the user went
            self._follower.unfollow([user_log(user_id)])

    async def close(self) -> None:
        """See ``Station.close``."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._follower.close()
        await self._carrier.close()

    def doubt(self) -> None:
        """Something may have been lost on the way here."""
        self._doubts.set()

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
            letter = decode_letter(payload)
        except msgspec.MsgspecError:
            log.warning("what came on %s is no letter", subject)
            return
        if isinstance(letter, Parcel):
            if letter.number == GREETING:
                if self._arrivals:  # they came before the teller knew of this node
                    self.doubt()
                return
            is_new, is_missing = self._tellers.took(subject, letter)
            if is_missing:
                self.doubt()
            if is_new:
                for told in letter.items:
                    self._pass(told)
        elif isinstance(letter, Beat) and self._tellers.beaten(letter, self._listening.subjects):
            self.doubt()

    def _pass(self, told: Told) -> None:
        owner = log_owner(told.log_id)
        if owner is not None:
            if owner in self._here:
                self._hand_on(told)
            else:
                self.stray += 1
            return
        conversation_id = ConversationId(told.log_id)
        if told.moved:
            self._move(conversation_id, told)
        elif conversation_id in self._held:
            self._hold(conversation_id, told)
        elif self._here.is_followed(conversation_id):
            self._hand_on(told)
        else:
            self.stray += 1

    def _hand_on(self, told: Told) -> None:
        try:
            self._on_fact(fact_of(told))
        except Exception:
            log.exception("a %s of %s could not be handed on", told.kind, told.log_id)

    def _move(self, conversation_id: ConversationId, told: Told) -> None:
        users = [user_id for user_id in told.moved if user_id in self._here]
        if told.is_leave:
            self._leave(conversation_id, told, users)
        elif conversation_id in self._held:
            self._hold(conversation_id, told)
        elif self._here.is_followed(conversation_id):
            if not told.is_copy:
                self._enter_known(conversation_id, told, users)
                self._join(told)
        elif users:
            self._held[conversation_id] = [told]
            done = asyncio.get_running_loop().create_future()
            self._following[conversation_id] = done
            self._run(self._follow(conversation_id, done))
        else:
            self.stray += 1

    def _leave(self, conversation_id: ConversationId, told: Told, users: list[UserId]) -> None:
        for user_id in users:
            arrival = self._arrivals.get(user_id)
            if arrival is not None and arrival.is_asking:
                arrival.left.add(conversation_id)
        if told.is_copy:
            return
        if conversation_id in self._held:
            self._hold(conversation_id, told)
            return
        if self._here.is_followed(conversation_id):
            self._hand_on(told)
        for user_id in users:
            if self._is_newer(conversation_id, user_id, told.seq) and self._here.leave(
                user_id, conversation_id
            ):
                self._unfollow((conversation_id,))

    def _enter_known(
        self, conversation_id: ConversationId, told: Told, users: list[UserId]
    ) -> None:
        for user_id in users:
            if self._is_newer(conversation_id, user_id, told.seq):
                self._here.enter(user_id, (conversation_id,))
                self._arrivals[user_id].left.discard(conversation_id)

    def _join(self, told: Told) -> None:
        """Hand a join on, but only once: it may have come by the users' subjects too."""
        key = (told.log_id, told.seq)
        if key not in self._joins:
            self._joins[key] = None
            if len(self._joins) > MOVES_KEPT:
                self._joins.popitem(last=False)
            self._hand_on(told)

    def _is_newer(self, conversation_id: ConversationId, user_id: UserId, seq: int) -> bool:
        key = (conversation_id, user_id)
        if seq <= self._moves.pop(key, 0):
            return False
        self._moves[key] = seq
        if len(self._moves) > MOVES_KEPT:
            self._moves.popitem(last=False)
        return True

    def _hold(self, conversation_id: ConversationId, told: Told) -> None:
        items = self._held[conversation_id]
        if len(items) < HELD_MAX:
            items.append(told)
        else:
            self.doubt()

    async def _follow(self, conversation_id: ConversationId, done: asyncio.Future[None]) -> None:
        """Follow a conversation that somebody here joined; then hand on what came of it.

        What is told before it is followed never comes here. Who joins reads the conversation
        when told so, and that is later.
        """
        await self._follower.follow([LogId(conversation_id)])
        self._followed((conversation_id,), done)
        held = self._held.pop(conversation_id)
        for told in held:
            if told.moved and not told.is_leave:
                users = [user_id for user_id in told.moved if user_id in self._here]
                self._enter_known(conversation_id, told, users)
        if not self._here.is_followed(conversation_id):
            self._follower.unfollow([LogId(conversation_id)])
            return
        for told in held:
            if told.is_leave:
                self._pass(told)
            elif told.moved:
                self._join(told)
            else:
                self._hand_on(told)

    # --- losses ---

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            await asyncio.sleep(self._beat_s)
            self._listening.sweep()
            if loop.time() - began_s > 2 * self._beat_s:
                self._tellers.excuse()
            if self._tellers.silent():
                self.doubt()

    async def _clear_doubts(self) -> None:
        """Read anew who belongs where, for a join may be lost too; then tell of the doubt."""
        while True:
            await self._doubts.wait()
            self._doubts.clear()
            await asyncio.gather(*map(self._refresh, list(self._arrivals)))
            self.doubts += 1
            self._on_doubt()
            await asyncio.sleep(self._beat_s)  # several losses in a row are one doubt more

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
