"""The routes: one suite over all strategies, in one process and over real brokers."""

from typing import Any

import pytest

from hongyan.domain.log.model import Committed, Entry, Signal

from .world import LocalWorld, World, person, until


async def test_a_fact_reaches_each_node_with_an_interest_once_and_in_order(world: World) -> None:
    teller = await world.teller()
    one, two, three = [await world.node() for _ in range(3)]
    await world.settle()
    ann, bob, cid, eve = map(person, ("ann", "bob", "cid", "eve"))
    group = world.people.group(ann, bob, cid)
    for node, user in ((one, ann), (one, bob), (two, cid), (three, eve)):
        await node.station.came(user)
    for _ in range(500):
        teller.tell(world.people.commit(group))
    await until(lambda: len(two.heard(group)) == 500)
    teller.tell(Signal(group, "typing", ann, b'{"a":1}', "v1"))  # type: ignore[arg-type]
    await until(lambda: two.heard(group)[-1] == "typing" and one.heard(group)[-1] == "typing")
    assert one.heard(group) == two.heard(group) == [*range(2, 502), "typing"]
    assert three.heard(group) == []
    if world.is_precise:
        assert three.station.stray == 0
    assert (one.doubts, two.doubts, three.doubts) == (0, 0, 0)


async def test_a_fact_arrives_as_it_was_told(world: World) -> None:
    teller, node = await world.teller(), await world.node()
    ann = person("ann")
    group = world.people.group(ann)
    await node.station.came(ann)
    told = world.people.commit(group, "message", "v7", text="鸿雁 \x00", more=[1, None, 2.5])
    signal = Signal(group, "typing", ann, b'{"a":1}', "v1")  # type: ignore[arg-type]
    mine = world.people.commit(f"@{ann}", "conversation.read", seq=3)
    both = Committed((*world.people.commit(group).entries, *mine.entries), told.origin)
    for fact in (told, signal, both):
        teller.tell(fact)
    await until(lambda: len(node.facts) == 4)
    assert [fact for fact in node.facts if isinstance(fact, Signal)] == [signal]
    entries: list[Entry] = []
    for fact in node.facts:
        if isinstance(fact, Committed):
            assert fact.origin == told.origin
            entries += fact.entries
    wanted = [*told.entries, *both.entries]
    order: Any = lambda entry: (entry.log_id, entry.seq)  # noqa: E731
    assert sorted(entries, key=order) == sorted(wanted, key=order)
    assert bytes(entries[0].body) == bytes(told.entries[0].body)


async def test_a_large_entry_passes(world: World) -> None:
    teller, node = await world.teller(), await world.node()
    ann = person("ann")
    group = world.people.group(ann)
    await node.station.came(ann)
    teller.tell(world.people.commit(group, text="x" * 1_500_000))
    teller.tell(world.people.commit(group))
    await until(lambda: node.heard(group) == [2, 3])


async def test_a_users_log_reaches_the_nodes_where_the_user_is(world: World) -> None:
    teller = await world.teller()
    one, two, three = [await world.node() for _ in range(3)]
    await world.settle()
    ann, bob = person("ann"), person("bob")
    for node, user in ((one, ann), (two, ann), (three, bob)):
        await node.station.came(user)
    for _ in range(20):
        teller.tell(world.people.commit(f"@{ann}", "conversation.read"))
    await until(lambda: len(one.heard(f"@{ann}")) == len(two.heard(f"@{ann}")) == 20)
    assert one.heard(f"@{ann}") == list(range(2, 22))
    teller.tell(world.people.commit(f"@{bob}"))
    await until(lambda: three.heard(f"@{bob}") == [2])
    assert three.heard(f"@{ann}") == []


async def test_two_tellers_tell(world: World) -> None:
    tellers = [await world.teller(), await world.teller()]
    one, two = await world.node(), await world.node()
    await world.settle()
    ann, bob = person("ann"), person("bob")
    groups = [world.people.group(ann, bob), world.people.group(ann, bob)]
    await one.station.came(ann)
    await two.station.came(bob)
    for _ in range(200):
        for teller, group in zip(tellers, groups, strict=True):
            teller.tell(world.people.commit(group))
    for node in (one, two):
        for group in groups:
            await until(lambda node=node, group=group: len(node.heard(group)) == 200)
            assert node.heard(group) == list(range(2, 202))
    assert one.doubts == two.doubts == 0


async def test_what_is_told_after_someone_came_reaches_them(world: World) -> None:
    teller, other = await world.teller(), await world.teller()
    node = await world.node()
    await world.settle()
    ann = person("ann")
    await node.station.came(ann)
    for _ in range(20):
        user = person("user")
        group = world.people.group(ann, user)
        teller.tell(world.people.commit(group))  # now the tellers know where its members are
        other.tell(world.people.commit(group))
        fresh = await world_node_for(world, node)
        await fresh.station.came(user)
        teller.tell(world.people.commit(group))
        other.tell(world.people.commit(group))
        await until(lambda fresh=fresh, group=group: {4, 5} <= set(fresh.heard(group)))
        fresh.station.went(user)


async def world_node_for(world: World, first: Any) -> Any:
    """Return a second node, the same each time."""
    made = getattr(first, "second", None)
    if made is None:
        made = first.second = await world.node()
    return made


async def test_who_joins_hears_of_it_and_of_all_that_follows(world: World) -> None:
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    await world.settle()
    ann, bob, cid = map(person, ("ann", "bob", "cid"))
    group = world.people.group(ann)
    await one.station.came(ann)
    await two.station.came(bob)
    await two.station.came(cid)
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == [2])
    teller.tell(world.people.join(group, bob, cid))
    for _ in range(5):
        teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == [2, 3, 4, 5, 6, 7, 8])
    # Who joins reads the group when told so: what is told until then may not come by itself.
    await until(lambda: two.heard(group)[:1] == [3])
    assert set(await two.interests.members(group)) == {bob, cid}  # type: ignore[arg-type]
    teller.tell(world.people.commit(group))
    await until(lambda: two.heard(group)[-1:] == [9])
    assert two.heard(group) == sorted(set(two.heard(group)))

    teller.tell(world.people.leave(group, bob))
    teller.tell(world.people.commit(group))
    await until(lambda: two.heard(group)[-2:] == [10, 11])
    assert list(await two.interests.members(group)) == [cid]  # type: ignore[arg-type]
    teller.tell(world.people.leave(group, cid))
    teller.tell(world.people.commit(group))
    teller.tell(world.people.commit(f"@{cid}"))
    await until(lambda: two.heard(f"@{cid}") == [2] and one.heard(group)[-1] == 13)
    assert two.heard(group)[-2:] == [11, 12]
    assert two.doubts == 0


async def test_the_first_entry_of_a_conversation_reaches_its_members(world: World) -> None:
    teller = await world.teller()
    one, two, three = [await world.node() for _ in range(3)]
    await world.settle()
    ann, bob, eve = map(person, ("ann", "bob", "eve"))
    for node, user in ((one, ann), (two, bob), (three, eve)):
        await node.station.came(user)
    begun = world.people.begin(ann, bob)
    group = begun.entries[0].log_id
    teller.tell(begun)
    for _ in range(2):
        teller.tell(world.people.commit(group))
    for node in (one, two):
        await until(lambda node=node: node.heard(group)[:1] == [1])
    teller.tell(world.people.commit(group))
    for node in (one, two):
        await until(lambda node=node: node.heard(group)[-1] == 4)
        assert node.heard(group) == sorted(set(node.heard(group)))
    assert three.heard(group) == []


async def test_many_join_at_once(world: World) -> None:
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    await world.settle()
    ann = person("ann")
    many = [person("user") for _ in range(40)]
    group = world.people.group(ann)
    await one.station.came(ann)
    for user in many[:20]:
        await two.station.came(user)
    teller.tell(world.people.join(group, *many))
    await until(lambda: one.heard(group) == [2] and two.heard(group) == [2])
    assert set(await two.interests.members(group)) == set(many[:20])  # type: ignore[arg-type]


async def test_a_user_moves_to_another_node(world: World) -> None:
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    await world.settle()
    ann, bob = person("ann"), person("bob")
    group = world.people.group(ann, bob)
    await one.station.came(ann)
    await one.station.came(ann)
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == [2])
    await two.station.came(ann)
    one.station.went(ann)
    one.station.went(ann)
    teller.tell(world.people.commit(group))
    await until(lambda: two.heard(group) == [3])
    await one.station.came(bob)
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == [2, 4] and two.heard(group) == [3, 4])


async def test_who_comes_and_goes_at_once_leaves_nothing_behind(world: World) -> None:
    import asyncio

    teller, node = await world.teller(), await world.node()
    ann = person("ann")
    group = world.people.group(ann)
    for _ in range(10):
        coming = asyncio.create_task(node.station.came(ann))
        await asyncio.sleep(0)
        node.station.went(ann)
        await coming
    assert ann not in node.interests
    await node.station.came(ann)
    teller.tell(world.people.commit(group))
    await until(lambda: node.heard(group) == [2])
    held = node.station._listening.subjects
    assert all(0 <= count <= 2 for count in held.values()), held


async def test_what_does_not_fit_becomes_doubt(world: World) -> None:
    teller = await world.teller(items_max=100)
    one, two = await world.node(), await world.node()
    ann = person("ann")
    group = world.people.group(ann)
    await one.station.came(ann)
    for _ in range(150):
        teller.tell(world.people.commit(group))
    assert teller.overflows == 50
    await until(lambda: one.doubts and two.doubts, "doubted")
    assert one.heard(group) == list(range(2, 102))
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group)[-1] == 152)


async def test_a_teller_that_dies_leaves_doubt(world: World) -> None:
    from .world import stop_tasks

    teller, node = await world.make_teller(), await world.node()
    await teller.start()
    world.stack.push_async_callback(teller._carrier.close)
    ann = person("ann")
    group = world.people.group(ann)
    await node.station.came(ann)
    teller.tell(world.people.commit(group))
    await until(lambda: node.heard(group) == [2])
    assert node.doubts == 0
    await stop_tasks(teller)
    await until(lambda: node.doubts == 1, "doubted")


async def test_a_teller_that_ends_leaves_none(world: World) -> None:
    import asyncio

    teller, node = await world.make_teller(), await world.node()
    await teller.start()
    ann = person("ann")
    group = world.people.group(ann)
    await node.station.came(ann)
    for _ in range(50):
        teller.tell(world.people.commit(group))
    await teller.close()
    await until(lambda: len(node.heard(group)) == 50)
    await asyncio.sleep(2.0)  # longer than a dead teller's silence
    assert node.doubts == 0


async def test_a_broker_that_went_and_came_back_leaves_doubt(frail_world: World) -> None:
    world = frail_world
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    ann, bob = person("ann"), person("bob")
    group, joined, left = (world.people.group(ann, bob) for _ in range(3))
    world.people.rows[joined].discard(bob)
    await one.station.came(ann)
    await two.station.came(bob)
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == two.heard(group) == [2])
    stop, start = world.broker()
    stop()
    teller.tell(world.people.commit(group))
    teller.tell(world.people.join(joined, bob))
    teller.tell(world.people.leave(left, bob))
    start()
    await until(lambda: one.doubts and two.doubts, "doubted")

    def works() -> bool:  # members were read anew: whatever was lost, all is right again
        for log_id in (group, joined, left):
            teller.tell(world.people.commit(log_id))
        return len(one.heard(group)) > 3 and len(two.heard(group)) > 3

    await until(works, "told again")
    await until(lambda: two.heard(joined)[-1:] == [world.people.seqs[joined]])
    assert await two.interests.members(left) == ()  # type: ignore[arg-type]
    assert one.heard(group)[-1] - len(one.heard(group)) < 5


async def test_others_do_not_notice_a_node_that_dies(world: World) -> None:
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    ann, bob = person("ann"), person("bob")
    group = world.people.group(ann, bob)
    await one.station.came(ann)
    await two.station.came(bob)
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == two.heard(group) == [2])
    await two.kill()
    for _ in range(100):
        teller.tell(world.people.commit(group))
    await until(lambda: len(one.heard(group)) == 101)
    fresh = await world.node()
    await fresh.station.came(bob)
    teller.tell(world.people.commit(group))
    await until(lambda: fresh.heard(group) == [103])
    assert one.doubts == 0


@pytest.mark.parametrize("many", [3])
async def test_came_waits_until_the_conversations_are_known(world: World, many: int) -> None:
    import asyncio

    teller, node = await world.teller(), await world.node()
    ann = person("ann")
    groups = [world.people.group(ann) for _ in range(many)]
    world.people.fails = True
    coming = asyncio.create_task(node.station.came(ann))
    await asyncio.sleep(0.05)
    assert not coming.done()
    world.people.fails = False
    await coming
    for group in groups:
        teller.tell(world.people.commit(group))
    await until(lambda: all(node.heard(group) == [2] for group in groups))


async def test_a_parcel_that_was_lost_without_a_word_leaves_doubt(world: World) -> None:
    import asyncio

    if not isinstance(world, LocalWorld) or world.strategy == "exact":
        pytest.skip("a wire that loses is needed, and subjects few enough to be counted")
    teller, node = await world.teller(), await world.node()
    ann = person("ann")
    group = world.people.group(ann)
    await node.station.came(ann)
    teller.tell(world.people.commit(group))
    await until(lambda: node.heard(group) == [2])
    world.wire.is_cut = True  # and nobody tells
    teller.tell(world.people.commit(group))
    await asyncio.sleep(0)
    await teller._idle.wait()
    world.wire.is_cut = False
    if world.strategy == "rpc":  # it calls until it is heard
        await until(lambda: node.heard(group) == [2, 3])
        assert node.doubts == 0
        return
    await until(lambda: node.doubts == 1, "doubted by the next beat")
    teller.tell(world.people.commit(group))
    await until(lambda: node.heard(group) == [2, 4])
    assert node.doubts == 1


async def test_what_the_carrier_does_not_take_becomes_doubt(world: World) -> None:
    if world.strategy == "rpc":
        pytest.skip("lanes take it")
    teller, node = await world.teller(), await world.node()
    ann = person("ann")
    group = world.people.group(ann)
    await node.station.came(ann)
    carrier, post = teller._carrier, teller._post

    async def full(_subject: str, _payload: bytes) -> bool:
        return False

    teller._post = full
    teller.tell(world.people.commit(group))
    await until(lambda: node.doubts, "doubted")
    teller._post = post
    teller.tell(world.people.commit(group))
    await until(lambda: node.heard(group) == [3])
    assert carrier is teller._carrier
