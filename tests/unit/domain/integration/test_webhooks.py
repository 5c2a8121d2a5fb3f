"""Webhooks on both stores: in order, at least once with one id, and given up in the end."""

import asyncio
import time

import msgspec
import pytest
from tests.unit.waiting import until

from hongyan.domain.group.model import Member
from hongyan.domain.integration.change_window import PAGE, ChangeWindow
from hongyan.domain.integration.commands_webhooks import (
    CreateWebhook,
    ListAttempts,
    ListDeadLetters,
    NotDelivered,
    Redeliver,
    ReplayWebhook,
    UpdateWebhook,
    WebhookDelivery,
)
from hongyan.domain.integration.model import SYSTEM_LOG, DeadLetter, reader_of
from hongyan.domain.integration.ports import Posted, Unreachable
from hongyan.domain.integration.webhook_dispatcher import DispatcherContext
from hongyan.domain.integration.webhooks import Webhooks
from hongyan.domain.log.model import Append, Commit, Committed, Missed, Put, Rewrite, position_of
from hongyan.domain.log.readers import Retry, fence_of
from hongyan.domain.message.model import MessageBody, Text
from hongyan.domain.message.rows import Revision
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.user.model import User
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.local.caches import Caches
from hongyan.infra.local.leases import Holders, LocalLeases
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Invalid
from hongyan.runtime import reading
from hongyan.runtime.runtime import Runtime
from hongyan.runtime.works import Works

ADMIN = Actor("root", "v1", True)
TEAM = "g" + "a" * 16


class Receiver:
    """The port Poster: takes, refuses or hangs."""

    def __init__(self):
        self.status = 204
        self.hangs = False
        self.posts = []
        self.seen = []
        self.told = []

    async def post(self, _url, headers, body):
        delivery = msgspec.json.decode(body, type=WebhookDelivery)
        self.posts.append(headers["webhook-id"])
        if self.hangs:
            await asyncio.Event().wait()
        if self.status == 0:
            raise Unreachable("nobody there")
        if self.status < 300:
            self.told += delivery.data.entries
            self.seen += [one.seq for one in delivery.data.entries if one.kind == "message"]
        return Posted(self.status)


class Office:
    """The service over a store, as one process has it."""

    def __init__(self, store, clock, receiver, **policy):
        self.store, self.receiver = store, receiver
        retry = Retry(**{"first_s": 0.001, "most_s": 0.002, "attempts_max": 0} | policy)
        sees = visibility_of(store)
        dispatch = DispatcherContext(
            store, store, store, clock, receiver, ChangeWindow(store), sees, retry
        )
        self.webhooks = Webhooks(dispatch)
        self.bus = LocalBus()
        self.bus.serve(self.webhooks)
        works = Works()
        works.add(self.webhooks.family)
        leases = LocalLeases(Holders(), "office", 60.0, time.monotonic)
        self.runtime = Runtime("office", leases, store, clock, works)
        self.caches = Caches(self.bus)
        self.caches.add(works.cache)
        self.bus.subscribe(Committed, self.runtime.committed)

    async def start(self):
        self.runtime.start()

    async def stop(self):
        await self.runtime.stop()

    async def call(self, command):
        return await self.bus.call(ADMIN, command)

    async def say(self, count=1):
        for _ in range(count):
            append = Append(TEAM, "message", "alice", b"{}", 1_700_000_000_000, countable=True)
            entries = await self.store.commit(Commit((append,)))
            self.heard(entries)

    def heard(self, entries=()):
        self.bus.publish(Committed(tuple(entries), ""))

    async def hook(self, **more):
        """Make a webhook, and tell it as the store's event does."""
        made = await self.call(CreateWebhook(url="https://shop.example/", **more))
        self.heard(await self.store.read(SYSTEM_LOG, 1, 99, 99))
        await until(lambda: reader_of(made.info.webhook_id) in self.runtime.running)
        return made.info.webhook_id


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
async def office(store, clock, receiver):
    made = Office(store, clock, receiver)
    await made.start()
    yield made
    await made.stop()


def saved_up_to(store, webhook_id, end):
    """Return the condition that all before the end was done, and that this was saved."""

    async def is_so():
        return position_of(await store.offset(reader_of(webhook_id))) >= end

    return is_so


async def test_a_webhook_gets_what_comes_after_it_in_order(office, receiver):
    await office.say(3)
    await office.hook(batch_max=4)
    await office.say(10)
    await until(lambda: len(receiver.seen) == 10)
    assert receiver.seen == list(range(4, 14))
    assert len(set(receiver.posts)) == len(receiver.posts)


def message(text, version=1):
    return msgspec.json.encode(MessageBody(Text(text), version=version))


async def test_a_bots_webhook_tells_what_the_bot_may_see(office, store, receiver):
    """Also when it is far behind, and for failed deliveries that are sent again."""
    bot = {"conversation_id": TEAM, "user_id": "bot"}
    await store.commit(
        Commit(changes=(Put(User(user_id="bot", bot=True)), Put(Member(**bot, visible_from=2))))
    )
    name = await office.hook(user_id="bot", kinds=["message", "message.reacted"], batch_max=50)
    receiver.status = 500
    for text in ("before", "then"):
        append = Append(TEAM, "message", "alice", message(text), 1, countable=True)
        await store.commit(Commit((append,)))
    for about in (1, 2):
        append = Append(TEAM, "message.reacted", "alice", b'{"seq":%d}' % about, 1)
        office.heard(await store.commit(Commit((append,))))
    await until(lambda: receiver.posts)
    await office.stop()
    gone = Member(**bot, active=False, visible_from=2, visible_until=4)
    old = Revision(
        conversation_id=TEAM, seq=2, version=1, content=Text("then"), since_ms=1, ended_seq=5
    )
    later = Append(TEAM, "message.edited", "alice", b'{"seq":2}', 1)
    await store.commit(Commit((later,), (Put(gone), Put(old), Rewrite(TEAM, 2, message("now", 2)))))
    receiver.status, receiver.told = 204, []
    await office.start()
    await until(lambda: len(receiver.told) >= 2)
    told = [(one.seq, one.kind, b"then" in bytes(one.body)) for one in receiver.told]
    assert told == [(2, "message", True), (4, "message.reacted", False)]
    await store.commit(
        Commit(changes=(Put(DeadLetter(webhook_id=name, first=1, last=99, at_ms=1, attempts=1)),))
    )
    receiver.told = []
    await office.call(Redeliver(webhook_id=name, first=1))
    assert [(one.seq, one.kind, b"then" in bytes(one.body)) for one in receiver.told] == told


async def test_failures_repeat_the_same_batch_until_it_is_taken(office, receiver):
    await office.hook(batch_max=2)
    receiver.status = 0
    await office.say(5)
    await until(lambda: len(receiver.posts) > 4)
    receiver.status = 500
    await until(lambda: len(receiver.posts) > 8)
    receiver.status = 204
    await until(lambda: len(receiver.seen) == 5)
    assert receiver.seen == [1, 2, 3, 4, 5]


async def test_a_crash_repeats_the_batch_with_the_same_id(office, store, clock, receiver):
    await office.hook(batch_max=10)
    receiver.hangs = True
    await office.say(3)
    await until(lambda: len(receiver.posts) == 1)
    await office.stop()  # taken or not: nobody knows
    await office.say(4)
    receiver.hangs = False
    again = Office(store, clock, receiver)
    await again.start()
    await until(lambda: len(receiver.seen) == 7)
    await again.stop()
    assert receiver.posts[0] == receiver.posts[1]
    assert receiver.seen == [1, 2, 3, 4, 5, 6, 7]


async def test_what_is_given_up_is_a_dead_letter_and_can_be_sent_again(store, clock, receiver):
    office = Office(store, clock, receiver, attempts_max=2)
    await office.start()
    webhook_id = await office.hook(batch_max=1)
    receiver.status = 500
    await office.say(1)

    async def is_given_up():
        return (await office.call(ListDeadLetters(webhook_id=webhook_id))).dead_letters

    await until(is_given_up)
    assert len(receiver.posts) == 2
    receiver.status = 204
    await office.say(1)
    await until(lambda: receiver.seen == [2])
    page = await office.call(ListDeadLetters(webhook_id=webhook_id))
    (letter,) = page.dead_letters
    assert (letter.attempts, letter.error) == (2, "the receiver answered 500")
    receiver.status = 500
    with pytest.raises(NotDelivered):
        await office.call(Redeliver(webhook_id=webhook_id, first=letter.first))
    receiver.status = 204
    await office.call(Redeliver(webhook_id=webhook_id, first=letter.first))
    assert receiver.seen == [2, 1]
    page = await office.call(ListDeadLetters(webhook_id=webhook_id))
    assert page.dead_letters == ()
    found = await office.call(ListAttempts(webhook_id=webhook_id))
    assert [one.status for one in found.attempts][:1] == [204]
    await office.stop()


async def test_replay_and_changes_reach_a_dispatcher_under_way(office, receiver):
    webhook_id = await office.hook(batch_max=10)
    await office.say(2)
    await until(lambda: receiver.seen == [1, 2])
    with pytest.raises(Invalid):
        await office.call(ReplayWebhook(webhook_id=webhook_id, position=2**50))
    await office.call(ReplayWebhook(webhook_id=webhook_id, position=0))
    office.heard()
    await office.say(1)
    await until(lambda: receiver.seen == [1, 2, 1, 2, 3])
    await office.call(UpdateWebhook(webhook_id=webhook_id, kinds=("poll.closed",)))
    await office.say(1)
    closed = Append(TEAM, "poll.closed", "alice", b"{}", 1)
    office.heard(await office.store.commit(Commit((closed,))))
    await until(lambda: receiver.told[-1].kind == "poll.closed")  # what was said before is passed
    assert receiver.seen == [1, 2, 1, 2, 3]


class Slow(Receiver):
    """Takes what it gets, and says so only when it is let."""

    def __init__(self):
        super().__init__()
        self.answers = asyncio.Event()

    async def post(self, url, headers, body):
        posted = await super().post(url, headers, body)
        await self.answers.wait()
        return posted


async def test_a_process_from_which_the_work_was_taken_saves_nothing(store, clock, receiver):
    slow = Slow()
    office = Office(store, clock, slow)
    await office.start()
    webhook_id = await office.hook(batch_max=10)
    await office.say(3)
    await until(lambda: len(slow.posts) == 1)
    other = Office(store, clock, receiver)
    await other.start()
    await other.say(4)
    await until(lambda: len(receiver.seen) == 7)
    assert slow.posts == receiver.posts[:1]
    end = await store.end()
    await until(saved_up_to(store, webhook_id, end))
    fence = fence_of(reader_of(webhook_id))
    term = (await store.states([fence]))[fence].version

    async def has_begun_anew():
        return (await store.states([fence]))[fence].version > term

    slow.answers.set()
    await until(has_begun_anew)  # it comes to that when it was late to save
    assert position_of(await store.offset(reader_of(webhook_id))) == end
    await office.stop()
    await other.stop()


async def test_what_nobody_told_is_found_when_something_was_missed(store, clock, receiver):
    office = Office(store, clock, receiver)
    await office.start()
    made = await office.call(CreateWebhook(url="https://shop.example/"))
    office.bus.publish(Missed())
    await until(lambda: reader_of(made.info.webhook_id) in office.runtime.running)
    append = Append(TEAM, "message", "alice", b"{}", 1_700_000_000_000, countable=True)
    await store.commit(Commit((append,)))
    office.bus.publish(Missed())
    await until(lambda: receiver.seen[-1:] == [1])
    await store.commit(Commit((append,)))
    office.heard()  # as of another process: it says no more than that there is something
    await until(lambda: receiver.seen[-1:] == [2])
    await office.stop()


async def test_the_place_moves_on_when_nothing_passes_the_filter(
    office, store, receiver, monkeypatch
):
    monkeypatch.setattr(reading, "SAVE_EVERY_S", 0.0)
    webhook_id = await office.hook(kinds=("poll.closed",))
    await office.say(3)
    await until(saved_up_to(store, webhook_id, await store.end()))
    assert receiver.posts == []


async def test_a_replay_past_what_the_filter_leaves_out_comes_to_its_end(
    office, receiver, monkeypatch
):
    await office.say(2 * PAGE)
    closed = Append(TEAM, "poll.closed", "alice", b"{}", 1)
    await office.store.commit(Commit((closed,)))
    monkeypatch.setattr(reading, "SAVE_EVERY_S", 0.0)  # it saves after each page
    webhook_id = await office.hook(kinds=("poll.closed",))
    await office.call(ReplayWebhook(webhook_id=webhook_id, position=0))
    await office.stop()
    await office.start()
    await until(lambda: receiver.posts)
