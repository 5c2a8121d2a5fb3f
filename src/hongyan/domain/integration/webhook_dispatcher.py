"""Dispatchers: one for each webhook, which posts pages of entries in order until they are taken.

Each is a reader whose pages are whole: a page's end is saved before it is posted first, and the
webhook's position after it was taken. So a crash in between makes the same page, with the same
id, come again, and none is left out. Whoever changes or moves the webhook raises the version of the
reader's fence; what is under way then saves nothing, and is begun anew.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from hongyan.domain.log.model import Change, Commit, Entry, Placed, Put, offset_of, position_of
from hongyan.domain.log.ports import ChangeStream, Log, Records
from hongyan.domain.log.readers import Lag, Reader, ReaderPage, Retry, Unhandled
from hongyan.domain.log.sources import stream_lag
from hongyan.domain.visibility.visibility import Visibility
from hongyan.kernel.clock import Clock
from hongyan.kernel.ids import UserId

from .change_window import ChangeWindow
from .commands_webhooks import DeliveredEntry, DeliveryData, WebhookDelivery
from .model import DeadLetter, Webhook, WebhookAttempt, reader_of
from .ports import Posted, Poster, Unreachable
from .reach import Reach
from .rules import Filter, signature

ATTEMPTS_KEPT = 100
BATCH_MAX = 500
BATCH_BYTES = 1024 * 1024
WINDOWS_AT_ONCE = 20
"""Stretches of the feed without anything for the webhook after which its progress is saved."""
ERROR_MAX = 200
WEBHOOK_RETRY = Retry(most_s=3_600.0, give_up_s=3 * 86_400.0, attempts_max=0)


class DispatcherContext(Struct, frozen=True):
    """The ports and options that all dispatchers share."""

    log: Log
    stream: ChangeStream
    records: Records
    clock: Clock
    poster: Poster
    window: ChangeWindow
    visibility: Visibility
    retry: Retry = WEBHOOK_RETRY


class WebhookBatch(Struct, frozen=True):
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


class WebhookDispatcher:
    """Posts one webhook's entries; the ``Source`` and the handler of its reader.

    Args:
        dispatch: What all dispatchers share.
        webhook_id: The webhook.

    Attributes:
        reader: What the runtime runs.
    """

    _webhook: Webhook
    _filter: Filter
    _reach: Reach

    def __init__(self, dispatch: DispatcherContext, webhook_id: str) -> None:
        self._dispatch = dispatch
        self._webhook_id = webhook_id
        self._slot = 0
        self.reader = Reader(
            reader_of(webhook_id),
            self.handle,
            source=self,
            batch=BATCH_MAX,
            retry=dispatch.retry,
            is_whole=True,
            begin=self.begin,
            give_up=self.give_up,
        )

    async def begin(self) -> bool:
        """Read the webhook's row anew; return whether there is anything to do for it."""
        records, name = self._dispatch.records, self._webhook_id
        webhook = await records.get(Webhook, name)
        if webhook is None or not webhook.active:
            return False
        attempts = await records.scan(WebhookAttempt, name, limit=ATTEMPTS_KEPT)
        newest = max(attempts, key=lambda one: one.at_ms, default=None)
        self._slot = newest.slot + 1 if newest is not None else 0
        self._webhook, self._filter = webhook, Filter(webhook)
        self._reach = Reach(records, webhook.user_id)
        if webhook.user_id:
            await self._reach.load()
        return True

    async def read(self, after: bytes, limit: int, until: bytes = b"") -> ReaderPage:
        """See ``Source.read``: the next entries that the webhook takes."""
        found: list[Placed] = []
        size, position, last = 0, position_of(after), position_of(until)
        most = min(limit, self._webhook.batch_max)
        for _ in range(WINDOWS_AT_ONCE):
            page = await self._dispatch.window.read(position)
            taken = dict(await self._taken(page))
            for position, _ in page:
                if last and position > last:
                    return ReaderPage(after, until, found, is_full=True)
                if position in taken:
                    found.append((position, taken[position]))
                    size += len(taken[position].body)
                    is_full = len(found) >= most or size > BATCH_BYTES
                    if position == last or (is_full and not last):
                        return ReaderPage(after, offset_of(position), found, is_full=True)
            if not page or (found and not last):
                break
        end = found[-1][0] if found else position
        return ReaderPage(after, offset_of(end), found, is_full=bool(page))

    async def _taken(self, page: Sequence[Placed]) -> list[Placed]:
        user_id = self._webhook.user_id
        if user_id:  # its memberships are followed by whatever passes, taken or not
            page = [one for one in page if await self._reach.has(one[1])]
        return await taken_by(self._dispatch.visibility, user_id, self._filter, page)

    async def lag(self, after: bytes, now_ms: int) -> Lag:
        """See ``Source.lag``."""
        return await stream_lag(self._dispatch.stream, after, now_ms)

    async def handle(self, page: ReaderPage) -> Commit:
        """Post the page once.

        Raises:
            Unhandled: it was not taken.
        """
        slot, self._slot = self._slot % ATTEMPTS_KEPT, self._slot + 1
        batch = WebhookBatch(tuple(page.items))
        done = await deliver(self._dispatch, self._webhook, batch, page.attempt, slot)
        if done.error:
            raise Unhandled(done.error, (Put(done),))
        return Commit(changes=(Put(done),))

    async def give_up(self, page: ReaderPage, attempts: int, error: str) -> tuple[Change, ...]:
        """Return the dead letter that is left of a page."""
        batch = WebhookBatch(tuple(page.items))
        letter = DeadLetter(
            webhook_id=self._webhook_id,
            first=batch.first,
            last=batch.last,
            at_ms=self._dispatch.clock.now_ms(),
            attempts=attempts,
            error=error,
        )
        return (Put(letter),)


async def taken_by(
    visibility: Visibility, user_id: UserId, filter_: Filter, page: Sequence[Placed]
) -> list[Placed]:
    """Return what a webhook gets of these entries: a bot's, what the bot may see now."""
    taken = [one for one in page if filter_.takes(one[1])]
    if not user_id or not taken:
        return taken
    seen = await visibility.visible(user_id, [entry for _, entry in taken], even_cleared=True)
    by_conversation = {(entry.log_id, entry.seq): entry for entry in seen}
    return [
        (position, by_conversation[entry.log_id, entry.seq])
        for position, entry in taken
        if (entry.log_id, entry.seq) in by_conversation
    ]


async def deliver(
    dispatch: DispatcherContext, webhook: Webhook, batch: WebhookBatch, attempt: int, slot: int
) -> WebhookAttempt:
    """Post a batch once and return how that went; ``error`` is empty when it was taken."""
    body = msgspec.json.encode(_delivery(webhook.webhook_id, batch))
    message_id = f"msg_{webhook.webhook_id}_{batch.first}_{batch.last}"
    began_ms = dispatch.clock.now_ms()
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(began_ms // 1000),
        "webhook-signature": signature(
            webhook.secrets, message_id, began_ms // 1000, body, began_ms
        ),
    }
    try:
        posted, error = await dispatch.poster.post(webhook.url, headers, body), ""
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
        took_ms=dispatch.clock.now_ms() - began_ms,
    )


def _delivery(webhook_id: str, batch: WebhookBatch) -> WebhookDelivery:
    last = batch.entries[-1][1]
    made_at = datetime.fromtimestamp(last.sent_at_ms / 1000, UTC)
    entries = tuple(_delivered(position, entry) for position, entry in batch.entries)
    return WebhookDelivery("entries", made_at.isoformat(), DeliveryData(webhook_id, entries))


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
