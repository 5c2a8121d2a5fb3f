"""The routes: one suite over all strategies, in one process and over real brokers."""

from typing import Any

import pytest

from hongyan.domain.log.model import Committed, Entry, Signal

from .harness import Harness, LocalHarness, person, until


async def test_an_event_reaches_each_node_with_an_interest_once_and_in_order(
    harness: Harness,
) -> None:
    publisher = await harness.publisher()
    one, two, three = [await harness.node() for _ in range(3)]
    await harness.settle()
    ann, bob, cid, eve = map(person, ("ann", "bob", "cid", "eve"))
    group = harness.people.group(ann, bob, cid)
    for node, user in ((one, ann), (one, bob), (two, cid), (three, eve)):
        await node.subscriber.connected(user)
    for _ in range(500):
        publisher.publish(harness.people.commit(group))
    await until(lambda: len(two.received(group)) == 500)
    publisher.publish(Signal(group, "typing", ann, b'{"a":1}', "v1"))  # type: ignore[arg-type]
    await until(lambda: two.received(group)[-1] == "typing" and one.received(group)[-1] == "typing")
    assert one.received(group) == two.received(group) == [*range(2, 502), "typing"]
    assert three.received(group) == []
    if harness.is_precise:
        assert three.subscriber.stray == 0
    assert (one.resyncs, two.resyncs, three.resyncs) == (0, 0, 0)


async def test_an_event_arrives_as_it_was_published(harness: Harness) -> None:
    publisher, node = await harness.publisher(), await harness.node()
    ann = person("ann")
    group = harness.people.group(ann)
    await node.subscriber.connected(ann)
    routed = harness.people.commit(group, "message", "v7", text="鸿雁 \x00", more=[1, None, 2.5])
    signal = Signal(group, "typing", ann, b'{"a":1}', "v1")  # type: ignore[arg-type]
    mine = harness.people.commit(f"@{ann}", "conversation.read", seq=3)
    both = Committed((*harness.people.commit(group).entries, *mine.entries), routed.origin)
    for event in (routed, signal, both):
        publisher.publish(event)
    await until(lambda: len(node.events) == 4)
    assert [event for event in node.events if isinstance(event, Signal)] == [signal]
    entries: list[Entry] = []
    for event in node.events:
        if isinstance(event, Committed):
            assert event.origin == routed.origin
            entries += event.entries
    wanted = [*routed.entries, *both.entries]
    order: Any = lambda entry: (entry.log_id, entry.seq)  # noqa: E731
    assert sorted(entries, key=order) == sorted(wanted, key=order)
    assert bytes(entries[0].body) == bytes(routed.entries[0].body)


async def test_a_large_entry_passes(harness: Harness) -> None:
    publisher, node = await harness.publisher(), await harness.node()
    ann = person("ann")
    group = harness.people.group(ann)
    await node.subscriber.connected(ann)
    publisher.publish(harness.people.commit(group, text="x" * 1_500_000))
    publisher.publish(harness.people.commit(group))
    await until(lambda: node.received(group) == [2, 3])


async def test_a_users_log_reaches_the_nodes_where_the_user_is(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two, three = [await harness.node() for _ in range(3)]
    await harness.settle()
    ann, bob = person("ann"), person("bob")
    for node, user in ((one, ann), (two, ann), (three, bob)):
        await node.subscriber.connected(user)
    for _ in range(20):
        publisher.publish(harness.people.commit(f"@{ann}", "conversation.read"))
    await until(lambda: len(one.received(f"@{ann}")) == len(two.received(f"@{ann}")) == 20)
    assert one.received(f"@{ann}") == list(range(2, 22))
    publisher.publish(harness.people.commit(f"@{bob}"))
    await until(lambda: three.received(f"@{bob}") == [2])
    assert three.received(f"@{ann}") == []


async def test_two_publishers_publish(harness: Harness) -> None:
    publishers = [await harness.publisher(), await harness.publisher()]
    one, two = await harness.node(), await harness.node()
    await harness.settle()
    ann, bob = person("ann"), person("bob")
    groups = [harness.people.group(ann, bob), harness.people.group(ann, bob)]
    await one.subscriber.connected(ann)
    await two.subscriber.connected(bob)
    for _ in range(200):
        for publisher, group in zip(publishers, groups, strict=True):
            publisher.publish(harness.people.commit(group))
    for node in (one, two):
        for group in groups:
            await until(lambda node=node, group=group: len(node.received(group)) == 200)
            assert node.received(group) == list(range(2, 202))
    assert one.resyncs == two.resyncs == 0


async def test_what_is_told_after_someone_came_reaches_them(harness: Harness) -> None:
    publisher, other = await harness.publisher(), await harness.publisher()
    node = await harness.node()
    await harness.settle()
    ann = person("ann")
    await node.subscriber.connected(ann)
    for _ in range(20):
        user = person("user")
        group = harness.people.group(ann, user)
        publisher.publish(
            harness.people.commit(group)
        )  # now the publishers know where its members are
        other.publish(harness.people.commit(group))
        fresh = await harness_node_for(harness, node)
        await fresh.subscriber.connected(user)
        publisher.publish(harness.people.commit(group))
        other.publish(harness.people.commit(group))
        await until(lambda fresh=fresh, group=group: {4, 5} <= set(fresh.received(group)))
        fresh.subscriber.disconnected(user)


async def harness_node_for(harness: Harness, first: Any) -> Any:
    """Return a second node, the same each time."""
    made = getattr(first, "second", None)
    if made is None:
        made = first.second = await harness.node()
    return made


async def test_who_joins_hears_of_it_and_of_all_that_follows(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    await harness.settle()
    ann, bob, cid = map(person, ("ann", "bob", "cid"))
    group = harness.people.group(ann)
    await one.subscriber.connected(ann)
    await two.subscriber.connected(bob)
    await two.subscriber.connected(cid)
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == [2])
    publisher.publish(harness.people.join(group, bob, cid))
    for _ in range(5):
        publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == [2, 3, 4, 5, 6, 7, 8])
    # Who joins reads the group when told so: what is told until then may not come by itself.
    await until(lambda: two.received(group)[:1] == [3])
    assert set(await two.interests.members(group)) == {bob, cid}  # type: ignore[arg-type]
    publisher.publish(harness.people.commit(group))
    await until(lambda: two.received(group)[-1:] == [9])
    assert two.received(group) == sorted(set(two.received(group)))

    publisher.publish(harness.people.leave(group, bob))
    publisher.publish(harness.people.commit(group))
    await until(lambda: two.received(group)[-2:] == [10, 11])
    assert list(await two.interests.members(group)) == [cid]  # type: ignore[arg-type]
    publisher.publish(harness.people.leave(group, cid))
    publisher.publish(harness.people.commit(group))
    publisher.publish(harness.people.commit(f"@{cid}"))
    await until(lambda: two.received(f"@{cid}") == [2] and one.received(group)[-1] == 13)
    assert two.received(group)[-2:] == [11, 12]
    assert two.resyncs == 0


async def test_the_first_entry_of_a_conversation_reaches_its_members(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two, three = [await harness.node() for _ in range(3)]
    await harness.settle()
    ann, bob, eve = map(person, ("ann", "bob", "eve"))
    for node, user in ((one, ann), (two, bob), (three, eve)):
        await node.subscriber.connected(user)
    begun = harness.people.begin(ann, bob)
    group = begun.entries[0].log_id
    publisher.publish(begun)
    for _ in range(2):
        publisher.publish(harness.people.commit(group))
    for node in (one, two):
        await until(lambda node=node: node.received(group)[:1] == [1])
    publisher.publish(harness.people.commit(group))
    for node in (one, two):
        await until(lambda node=node: node.received(group)[-1] == 4)
        assert node.received(group) == sorted(set(node.received(group)))
    assert three.received(group) == []


async def test_many_join_at_once(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    await harness.settle()
    ann = person("ann")
    many = [person("user") for _ in range(40)]
    group = harness.people.group(ann)
    await one.subscriber.connected(ann)
    for user in many[:20]:
        await two.subscriber.connected(user)
    publisher.publish(harness.people.join(group, *many))
    await until(lambda: one.received(group) == [2] and two.received(group) == [2])
    assert set(await two.interests.members(group)) == set(many[:20])  # type: ignore[arg-type]


async def test_a_user_moves_to_another_node(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    await harness.settle()
    ann, bob = person("ann"), person("bob")
    group = harness.people.group(ann, bob)
    await one.subscriber.connected(ann)
    await one.subscriber.connected(ann)
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == [2])
    await two.subscriber.connected(ann)
    one.subscriber.disconnected(ann)
    one.subscriber.disconnected(ann)
    publisher.publish(harness.people.commit(group))
    await until(lambda: two.received(group) == [3])
    await one.subscriber.connected(bob)
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == [2, 4] and two.received(group) == [3, 4])


async def test_who_comes_and_goes_at_once_leaves_nothing_behind(harness: Harness) -> None:
    import asyncio

    publisher, node = await harness.publisher(), await harness.node()
    ann = person("ann")
    group = harness.people.group(ann)
    for _ in range(10):
        coming = asyncio.create_task(node.subscriber.connected(ann))
        await asyncio.sleep(0)
        node.subscriber.disconnected(ann)
        await coming
    assert ann not in node.interests
    await node.subscriber.connected(ann)
    publisher.publish(harness.people.commit(group))
    await until(lambda: node.received(group) == [2])
    held = node.subscriber._listening.subjects
    assert all(0 <= count <= 2 for count in held.values()), held


async def test_what_does_not_fit_becomes_possible_loss(harness: Harness) -> None:
    publisher = await harness.publisher(items_max=100)
    one, two = await harness.node(), await harness.node()
    ann = person("ann")
    group = harness.people.group(ann)
    await one.subscriber.connected(ann)
    for _ in range(150):
        publisher.publish(harness.people.commit(group))
    assert publisher.overflows == 50
    await until(lambda: one.resyncs and two.resyncs, "told of a possible loss")
    assert one.received(group) == list(range(2, 102))
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group)[-1] == 152)


async def test_a_publisher_that_dies_leaves_possible_loss(harness: Harness) -> None:
    from .harness import stop_tasks

    publisher, node = await harness.make_publisher(), await harness.node()
    await publisher.start()
    harness.stack.push_async_callback(publisher._transport.close)
    ann = person("ann")
    group = harness.people.group(ann)
    await node.subscriber.connected(ann)
    publisher.publish(harness.people.commit(group))
    await until(lambda: node.received(group) == [2])
    assert node.resyncs == 0
    await stop_tasks(publisher)
    await until(lambda: node.resyncs == 1, "told of a possible loss")


async def test_a_publisher_that_ends_leaves_none(harness: Harness) -> None:
    import asyncio

    publisher, node = await harness.make_publisher(), await harness.node()
    await publisher.start()
    ann = person("ann")
    group = harness.people.group(ann)
    await node.subscriber.connected(ann)
    for _ in range(50):
        publisher.publish(harness.people.commit(group))
    await publisher.close()
    await until(lambda: len(node.received(group)) == 50)
    await asyncio.sleep(2.0)  # longer than a dead publisher's silence
    assert node.resyncs == 0


async def test_a_broker_that_went_and_came_back_leaves_possible_loss(
    frail_harness: Harness,
) -> None:
    harness = frail_harness
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    ann, bob = person("ann"), person("bob")
    group, joined, left = (harness.people.group(ann, bob) for _ in range(3))
    harness.people.rows[joined].discard(bob)
    await one.subscriber.connected(ann)
    await two.subscriber.connected(bob)
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == two.received(group) == [2])
    stop, start = harness.broker()
    stop()
    publisher.publish(harness.people.commit(group))
    publisher.publish(harness.people.join(joined, bob))
    publisher.publish(harness.people.leave(left, bob))
    start()
    await until(lambda: one.resyncs and two.resyncs, "told of a possible loss")

    def works() -> bool:  # members were read anew: whatever was lost, all is right again
        for log_id in (group, joined, left):
            publisher.publish(harness.people.commit(log_id))
        return len(one.received(group)) > 3 and len(two.received(group)) > 3

    await until(works, "told again")
    await until(lambda: two.received(joined)[-1:] == [harness.people.seqs[joined]])
    assert await two.interests.members(left) == ()  # type: ignore[arg-type]
    assert one.received(group)[-1] - len(one.received(group)) < 5


async def test_others_do_not_notice_a_node_that_dies(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    ann, bob = person("ann"), person("bob")
    group = harness.people.group(ann, bob)
    await one.subscriber.connected(ann)
    await two.subscriber.connected(bob)
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == two.received(group) == [2])
    await two.kill()
    for _ in range(100):
        publisher.publish(harness.people.commit(group))
    await until(lambda: len(one.received(group)) == 101)
    fresh = await harness.node()
    await fresh.subscriber.connected(bob)
    publisher.publish(harness.people.commit(group))
    await until(lambda: fresh.received(group) == [103])
    assert one.resyncs == 0


@pytest.mark.parametrize("many", [3])
async def test_came_waits_until_the_conversations_are_known(harness: Harness, many: int) -> None:
    import asyncio

    publisher, node = await harness.publisher(), await harness.node()
    ann = person("ann")
    groups = [harness.people.group(ann) for _ in range(many)]
    harness.people.fails = True
    coming = asyncio.create_task(node.subscriber.connected(ann))
    await asyncio.sleep(0.05)
    assert not coming.done()
    harness.people.fails = False
    await coming
    for group in groups:
        publisher.publish(harness.people.commit(group))
    await until(lambda: all(node.received(group) == [2] for group in groups))


async def test_a_batch_that_was_lost_without_a_word_leaves_possible_loss(harness: Harness) -> None:
    import asyncio

    if not isinstance(harness, LocalHarness) or harness.strategy == "exact":
        pytest.skip("a wire that loses is needed, and subjects few enough to be counted")
    publisher, node = await harness.publisher(), await harness.node()
    ann = person("ann")
    group = harness.people.group(ann)
    await node.subscriber.connected(ann)
    publisher.publish(harness.people.commit(group))
    await until(lambda: node.received(group) == [2])
    harness.wire.is_cut = True  # and nobody tells
    publisher.publish(harness.people.commit(group))
    await asyncio.sleep(0)
    await publisher._idle.wait()
    harness.wire.is_cut = False
    if harness.strategy == "rpc":  # it calls until it is heard
        await until(lambda: node.received(group) == [2, 3])
        assert node.resyncs == 0
        return
    await until(lambda: node.resyncs == 1, "doubted by the next beat")
    publisher.publish(harness.people.commit(group))
    await until(lambda: node.received(group) == [2, 4])
    assert node.resyncs == 1


async def test_what_the_transport_does_not_take_becomes_possible_loss(harness: Harness) -> None:
    if harness.strategy == "rpc":
        pytest.skip("lanes take it")
    publisher, node = await harness.publisher(), await harness.node()
    ann = person("ann")
    group = harness.people.group(ann)
    await node.subscriber.connected(ann)
    transport, post = publisher._transport, publisher._send

    async def full(_subject: str, _payload: bytes) -> bool:
        return False

    publisher._send = full
    publisher.publish(harness.people.commit(group))
    await until(lambda: node.resyncs, "told of a possible loss")
    publisher._send = post
    publisher.publish(harness.people.commit(group))
    await until(lambda: node.received(group) == [3])
    assert transport is publisher._transport
