"""Couriers: one for each webhook, carrying batches in order until they are taken.

A batch's end is saved before it is sent first, and the webhook's place after it was taken: a
crash in between makes the same batch, with the same id, come again, and none is left out. Both
are saved under the guard of the webhook's log: whoever changes or moves the webhook raises its
epoch, and the courier begins anew.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from hongyan.domain.log.model import Change, Commit, Entry, Expect, Put, SavePlace, Stale
from hongyan.domain.log.ports import Feed, Log, Records
from hongyan.domain.visibility.service import Visibility
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import UserId

from .feed import Placed, Window
from .model import DeadLetter, Webhook, WebhookAttempt, batch_reader_of, guard_of, reader_of
from .ports import Posted, Poster, Unreachable
from .reach import Reach
from .rules import Filter, signature
from .webhooks_api import DeliveredEntry, Delivery, DeliveryData

ATTEMPTS_KEPT = 100
BATCH_BYTES = 1024 * 1024
SAVE_EVERY_S = 30.0
"""How often the place is saved while nothing passes the filter."""
ERROR_MAX = 200
STALE_S = 0.05


class RetryPolicy(Struct, frozen=True):
    """When a delivery is tried again, and when it is given up."""

    first_s: float = 1.0
    factor: float = 2.0
    most_s: float = 3_600.0
    give_up_s: float = 3 * 86_400.0
    """After so long a failing batch becomes a dead letter."""
    attempts_max: int = 0
    """After so many attempts, too; 0 for no such limit."""

    def wait_s(self, attempt: int) -> float:
        """Return how long to wait after this attempt (1 for the first), with jitter."""
        most = min(self.most_s, self.first_s * self.factor ** min(attempt - 1, 40))
        return most * random.uniform(0.5, 1.0)  # not for secrets


class Post(Struct, frozen=True):
    """What all couriers share."""

    log: Log
    feed: Feed
    records: Records
    clock: Clock
    poster: Poster
    window: Window
    visibility: Visibility
    policy: RetryPolicy = RetryPolicy()


class Batch(Struct, frozen=True):
    """Entries that go together."""

    entries: tuple[Placed, ...]

    @property
    def first(self) -> int:
        """The first position."""
        return self.entries[0][0]

    @property
    def last(self) -> int:
        """The last position."""
        return self.entries[-1][0]


class Courier:
    """Carries one webhook's entries.

    Args:
        post: What all couriers share.
        webhook_id: The webhook.
        news: Returns once the feed has more than when it was called last.
        expects: What whatever is saved must find as it was, beside the webhook's epoch.
    """

    def __init__(
        self,
        post: Post,
        webhook_id: str,
        news: Callable[[], "News"],
        expects: tuple[Expect, ...] = (),
    ) -> None:
        self._post = post
        self._webhook_id = webhook_id
        self._news = news
        self._expects = expects
        self._slot = 0
        self.changed = asyncio.Event()
        """Set when the webhook's row or place changed."""

    async def run(self) -> None:
        """Carry until the webhook is removed or inactive."""
        while True:
            self.changed.clear()
            try:
                webhook = await self._load()
                if webhook is None or not webhook.active:
                    return
                while not self.changed.is_set():
                    await self._turn(webhook)
            except Stale:  # the webhook was changed, or another process carries
                await self._wait(STALE_S)
            except Refusal:  # the disk is full, or the queue: nothing was saved
                await self._wait(1.0)

    async def _load(self) -> Webhook | None:
        post, name = self._post, self._webhook_id
        guard = guard_of(name)
        self._epoch = (await post.log.heads([guard]))[guard].epoch
        webhook = await post.records.get(Webhook, name)
        self._position = await post.feed.place(reader_of(name))
        self._have_saved(self._position)
        self._pending = await post.feed.place(batch_reader_of(name))
        attempts = await post.records.scan(WebhookAttempt, name, limit=ATTEMPTS_KEPT)
        newest = max(attempts, key=lambda one: one.at_ms, default=None)
        self._slot = newest.slot + 1 if newest is not None else 0
        if webhook is not None:
            self._filter = Filter(webhook)
            self._reach = Reach(post.records, webhook.user_id)
            if webhook.user_id:
                await self._reach.load()
        return webhook

    async def _turn(self, webhook: Webhook) -> None:
        news = self._news()
        batch = await self._collect(webhook)
        if batch is None:
            if self._is_save_due():
                await self._save(SavePlace(reader_of(self._webhook_id), self._position))
                self._have_saved(self._position)
                return  # there may be more to read
            unsaved = self._position > self._saved
            await news.wait(self.changed, SAVE_EVERY_S if unsaved else None)
            return
        if self._pending != batch.last:
            self._pending = batch.last
            await self._save(SavePlace(batch_reader_of(self._webhook_id), batch.last))
        await self._carry(webhook, batch)

    async def _collect(self, webhook: Webhook) -> Batch | None:
        """Return the next batch: the one that was begun, or whatever there is now."""
        found: list[Placed] = []
        size, position = 0, self._position
        until = self._pending if self._pending > position else 0
        while page := await self._post.window.read(position):
            taken = dict(await self._taken(webhook, page))
            for position, _ in page:
                if until and position > until:
                    if found:
                        return Batch(tuple(found))
                    until = 0  # nothing of what was begun is to be seen any more
                if position in taken:
                    found.append((position, taken[position]))
                    size += len(taken[position].body)
                    full = len(found) >= webhook.batch_max or size > BATCH_BYTES
                    if position == until or (full and not until):
                        return Batch(tuple(found))
            if not found:
                self._position = position
                if self._is_save_due():
                    return None
            elif not until:
                return Batch(tuple(found))
        return Batch(tuple(found)) if found else None

    async def _taken(self, webhook: Webhook, page: Sequence[Placed]) -> list[Placed]:
        if webhook.user_id:  # its memberships are followed by whatever passes, taken or not
            page = [one for one in page if await self._reach.has(one[1])]
        return await taken_by(self._post.visibility, webhook.user_id, self._filter, page)

    async def _carry(self, webhook: Webhook, batch: Batch) -> None:
        """Try until the batch is taken or given up; ``changed`` breaks it off."""
        began_ms, attempt = self._post.clock.now_ms(), 0
        while not self.changed.is_set():
            attempt += 1
            done = await deliver(self._post, webhook, batch, attempt, self._slot % ATTEMPTS_KEPT)
            self._slot += 1
            if not done.error:
                await self._advance(batch, Put(done))
                return
            policy = self._post.policy
            spent_s = (self._post.clock.now_ms() - began_ms) / 1000
            if spent_s >= policy.give_up_s or attempt == policy.attempts_max:
                letter = DeadLetter(
                    webhook_id=self._webhook_id,
                    first=batch.first,
                    last=batch.last,
                    at_ms=done.at_ms,
                    attempts=attempt,
                    error=done.error,
                )
                await self._advance(batch, Put(done), Put(letter))
                return
            await self._save(Put(done))
            await self._wait(policy.wait_s(attempt))

    async def _advance(self, batch: Batch, *more: Change) -> None:
        name = self._webhook_id
        await self._save(SavePlace(reader_of(name), batch.last), *more)
        self._position = batch.last
        self._have_saved(batch.last)

    def _is_save_due(self) -> bool:
        is_time = asyncio.get_running_loop().time() >= self._saved_s + SAVE_EVERY_S
        return is_time and self._position > self._saved

    def _have_saved(self, position: int) -> None:
        self._saved, self._saved_s = position, asyncio.get_running_loop().time()

    async def _save(self, *changes: Change) -> None:
        guard = Expect(guard_of(self._webhook_id), self._epoch)
        await self._post.log.commit(Commit(changes=changes, expects=(guard, *self._expects)))

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.changed.wait(), seconds)
        except TimeoutError:
            return


class News:
    """Tells once that the feed has grown."""

    def __init__(self) -> None:
        self._told = asyncio.get_running_loop().create_future()

    def tell(self) -> None:
        """The feed has grown."""
        if not self._told.done():
            self._told.set_result(None)

    async def wait(self, changed: asyncio.Event, most_s: float | None = None) -> None:
        """Return when it has, when ``changed`` is set, or after so long."""
        other = asyncio.ensure_future(changed.wait())
        try:
            waited = (self._told, other)
            await asyncio.wait(waited, timeout=most_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            other.cancel()


async def taken_by(
    visibility: Visibility, user_id: UserId, filter_: Filter, page: Sequence[Placed]
) -> list[Placed]:
    """Return what a webhook tells of these entries: a bot's, what the bot may see now."""
    taken = [one for one in page if filter_.takes(one[1])]
    if not user_id or not taken:
        return taken
    seen = await visibility.visible(user_id, [entry for _, entry in taken], even_cleared=True)
    by_place = {(entry.log_id, entry.seq): entry for entry in seen}
    return [
        (position, by_place[entry.log_id, entry.seq])
        for position, entry in taken
        if (entry.log_id, entry.seq) in by_place
    ]


async def deliver(
    post: Post, webhook: Webhook, batch: Batch, attempt: int, slot: int
) -> WebhookAttempt:
    """Post a batch once and return how that went; ``error`` is empty when it was taken."""
    body = msgspec.json.encode(_delivery(webhook.webhook_id, batch))
    message_id = f"msg_{webhook.webhook_id}_{batch.first}_{batch.last}"
    began_ms = post.clock.now_ms()
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(began_ms // 1000),
        "webhook-signature": signature(
            webhook.secrets, message_id, began_ms // 1000, body, began_ms
        ),
    }
    try:
        posted, error = await post.poster.post(webhook.url, headers, body), ""
    except Unreachable as unreachable:
        posted, error = Posted(0), str(unreachable) or "no answer"
    if not error and not 200 <= posted.status < 300:
        error = f"the receiver answered {posted.status}"
    return WebhookAttempt(
        webhook_id=webhook.webhook_id,
        slot=slot,
        at_ms=began_ms,
        message_id=message_id,
        first=batch.first,
        last=batch.last,
        entries=len(batch.entries),
        attempt=attempt,
        status=posted.status,
        error=error[:ERROR_MAX],
        took_ms=post.clock.now_ms() - began_ms,
    )


def _delivery(webhook_id: str, batch: Batch) -> Delivery:
    last = batch.entries[-1][1]
    made_at = datetime.fromtimestamp(last.sent_at_ms / 1000, UTC)
    entries = tuple(_delivered(position, entry) for position, entry in batch.entries)
    return Delivery("entries", made_at.isoformat(), DeliveryData(webhook_id, entries))


def _delivered(position: int, entry: Entry) -> DeliveredEntry:
    return DeliveredEntry(
        position,
        entry.log_id,
        entry.seq,
        entry.ordinal,
        entry.kind,
        entry.sender,
        entry.client_id,
        entry.sent_at_ms,
        entry.body,
    )
