"""Profiles, and who finds whom by what."""

import pytest
from msgspec import structs

from hongyan.domain.user.commands import (
    GetMe,
    GetUsers,
    HandleTaken,
    ProfileChanged,
    Register,
    SearchUsers,
    UpdateProfile,
)
from hongyan.domain.user.commands_admin import CreateUser, DeactivateUser, ReactivateUser
from hongyan.domain.user.commands_credentials import DeactivateMe
from hongyan.domain.user.model import Privacy, SearchKey, Status
from hongyan.kernel.errors import Invalid, LimitReached, NotFound

PASSWORD = "correct horse"


async def test_a_change_leaves_the_rest_and_is_told(harness):
    alice = await harness.register("alice", name="Alice")
    changed = await harness.call(
        alice,
        UpdateProfile(
            bio="Line one\nline two",
            avatar="m123",
            status=Status("\u2615", "coffee", 0),
            privacy=Privacy(who_may_write="friends"),
        ),
    )
    assert (changed.name, changed.handle, changed.avatar) == ("Alice", "alice", "m123")
    assert (changed.status.text, changed.privacy.who_may_write) == ("coffee", "friends")
    assert await harness.call(alice, GetMe()) == changed
    kind, body = (await harness.entries(alice.user_id))[-1]
    assert (kind, body["bio"]) == ("user.changed", "Line one\nline two")


async def test_what_others_see_is_told_when_it_changes(harness):
    alice = await harness.register("alice", name="Alice")
    await harness.call(alice, UpdateProfile(locale="de", privacy=Privacy(who_may_write="friends")))
    assert harness.published == []
    await harness.call(alice, UpdateProfile(name="Alicia"))
    assert harness.published == [ProfileChanged(alice.user_id)]
    with pytest.raises(Invalid):
        await harness.call(alice, UpdateProfile(name=" "))
    await harness.call(None, DeactivateUser(user_id=alice.user_id))
    assert len(harness.published) == 2


async def test_a_change_of_nothing_is_no_entry(harness):
    alice = await harness.register("alice", name="Alice")
    await harness.call(alice, UpdateProfile(name="Alice"))
    assert "user.changed" not in await harness.kinds(alice.user_id)


REFUSED = [
    ({"name": ""}, Invalid),
    ({"name": "  "}, Invalid),
    ({"name": "x" * 65}, LimitReached),
    ({"handle": "a"}, Invalid),
    ({"handle": "system"}, Invalid),
    ({"handle": None}, Invalid),
    ({"avatar": "x" * 129}, LimitReached),
    ({"bio": "x" * 501}, LimitReached),
    ({"bio": "a\x07"}, Invalid),
    ({"locale": "nonsense!"}, Invalid),
    ({"status": Status(text="x" * 101)}, LimitReached),
    ({"status": Status(emoji="x" * 17)}, LimitReached),
    ({"status": Status(until_ms=-1)}, Invalid),
]


async def test_what_cannot_be_is_refused(harness):
    alice = await harness.register("alice")
    before = await harness.call(alice, GetMe())
    for change, refusal in REFUSED:
        with pytest.raises(refusal):
            await harness.call(alice, UpdateProfile(**change))
    assert await harness.call(alice, GetMe()) == before


async def test_handles_are_unique_and_freed(harness):
    alice, bob = await harness.register("alice"), await harness.register("bob")
    with pytest.raises(HandleTaken):
        await harness.call(bob, UpdateProfile(handle="ALICE"))
    await harness.call(alice, UpdateProfile(handle="alice2"))
    assert (await harness.call(bob, UpdateProfile(handle="Alice"))).handle == "alice"


async def test_others_see_no_secrets_and_no_stale_status(harness):
    alice = await harness.register("alice", email="alice@example.org")
    status = Status("", "until tea", harness.clock.now_ms() + 1_000)
    await harness.call(alice, UpdateProfile(status=status))
    bob = await harness.register("bob")
    ids = [alice.user_id, "nobody", bob.user_id]
    page = await harness.call(bob, GetUsers(user_ids=ids))
    assert [user.handle for user in page.users] == ["alice", "bob"]
    assert page.users[0].status.text == "until tea"
    assert not hasattr(page.users[0], "email")
    harness.clock.advance(1_000)
    page = await harness.call(bob, GetUsers(user_ids=[alice.user_id]))
    assert page.users[0].status == Status()
    with pytest.raises(LimitReached):
        await harness.call(bob, GetUsers(user_ids=["x"] * 201))


# --- search ---


async def found(harness, query, limit=20):
    """Return the handles of all pages."""
    handles, after = [], ""
    for _ in range(100):
        page = await harness.call("anybody", SearchUsers(query=query, after=after, limit=limit))
        assert len(page.users) <= limit
        handles += [user.handle for user in page.users]
        after = page.next_after
        if not after:
            return handles
    raise AssertionError("the pages do not end")


@pytest.fixture
async def people(harness):
    for handle, name in [
        ("liwei", "Li Wei"),
        ("lili", "Lily Li"),
        ("wang.xm", "\u738b\u5c0f\u660e"),
        ("xiaoming", "\u5c0f\u660e"),
        ("zhangwm", "\u5f20\u738b\u660e wei"),
        ("zoe", "Zo\u00eb \u00c9mile"),
    ]:
        await harness.register(handle, name=name)
    return harness


FINDS = [
    ("liwei", {"liwei"}),
    ("@LiWei", {"liwei"}),
    ("li", {"liwei", "lili"}),
    ("LIL", {"lili"}),
    ("wei", {"liwei", "zhangwm"}),
    ("wei li", {"liwei"}),
    ("ly", set()),
    ("xm", {"wang.xm"}),
    ("wang.x", {"wang.xm"}),
    ("\u738b", {"wang.xm", "zhangwm"}),
    ("\u5c0f", {"wang.xm", "xiaoming"}),
    ("\u5c0f\u660e", {"wang.xm", "xiaoming"}),
    ("\u660e", {"wang.xm", "xiaoming", "zhangwm"}),
    ("\u738b\u5c0f\u660e", {"wang.xm"}),
    ("\u738b\u660e", {"zhangwm"}),
    ("\u660e\u5c0f", set()),
    ("\u660e wei", {"zhangwm"}),
    ("\u00e9mi", {"zoe"}),
    ("ZO\u00cb", {"zoe"}),
    ("nobody", set()),
    ("!?", set()),
    ("%", set()),
]


async def test_beginnings_and_han_parts_find(people):
    for query, handles in FINDS:
        listed = await found(people, query)
        assert (query, set(listed), len(listed)) == (query, handles, len(handles))
        assert sorted(await found(people, query, limit=1)) == sorted(handles)


async def test_whole_addresses_find_who_allows_it(harness):
    alice = await harness.call(
        None,
        Register(
            handle="alice", email="alice@example.org", phone="+8613800138000", password=PASSWORD
        ),
    )
    for query in ("alice@example.org", "+8613800138000", "+86 138-0013-8000"):
        assert await found(harness, query) == []
    await harness.call(
        alice, UpdateProfile(privacy=Privacy(found_by_email=True, found_by_phone=True))
    )
    for query in ("alice@example.org", "+8613800138000", "+86 138-0013-8000"):
        assert await found(harness, query) == ["alice"]
    for query in ("alice@example.or", "+861380013800", "bob@example.org"):
        assert await found(harness, query) == []


async def test_privacy_holds_for_handle_and_name(harness):
    alice = await harness.register("alice77", name="Wonder")
    await harness.call(alice, UpdateProfile(privacy=Privacy(found_by_name=False)))
    assert await found(harness, "won") == []
    assert await found(harness, "alice77") == await found(harness, "ali") == ["alice77"]
    await harness.call(alice, UpdateProfile(privacy=Privacy(found_by_handle=False)))
    assert await found(harness, "won") == ["alice77"]
    assert await found(harness, "alice77") == await found(harness, "ali") == []
    nobody = Privacy(found_by_handle=False, found_by_name=False)
    await harness.call(alice, UpdateProfile(privacy=nobody))
    assert await harness.store.count(SearchKey) == 0


async def test_a_new_name_is_found_and_the_old_one_not(harness):
    alice = await harness.register("alice", name="Old Name")
    await harness.call(alice, UpdateProfile(name="New Name"))
    assert await found(harness, "old") == []
    assert await found(harness, "new") == ["alice"]


async def test_who_sleeps_is_not_found(harness):
    alice = await harness.register("alice")
    await harness.call("root", DeactivateUser(user_id=alice.user_id))
    assert await found(harness, "alice") == []
    await harness.call("root", ReactivateUser(user_id=alice.user_id))
    assert await found(harness, "alice") == ["alice"]
    alice = await harness.log_in("alice")
    await harness.call(alice, DeactivateMe(password=PASSWORD))
    assert await found(harness, "alice") == []
    await harness.log_in("alice")
    assert await found(harness, "alice") == ["alice"]


async def test_many_are_found_by_pages_each_once(harness):
    for i in range(60):
        await harness.call("system", CreateUser(handle=f"pat{i:02}", name=f"Pat Patrick Pa {i}"))
    handles = await found(harness, "pa", limit=7)
    assert sorted(handles) == [f"pat{i:02}" for i in range(60)]


async def test_queries_are_judged(harness):
    for command in (
        SearchUsers(query=""),
        SearchUsers(query="   "),
        SearchUsers(query="a", limit=0),
        SearchUsers(query="a", limit=51),
        SearchUsers(query="a", after="garbage"),
    ):
        with pytest.raises(Invalid):
            await harness.call("anybody", command)


async def test_long_queries_are_refused(harness):
    with pytest.raises(LimitReached):
        await harness.call("anybody", SearchUsers(query="x" * 65))


async def test_a_place_of_another_search_shows_nothing_else(harness):
    await harness.register("alice")
    await harness.register("zoe")
    page = await harness.call("anybody", SearchUsers(query="alice", limit=1))
    other = SearchUsers(query="zoe", after=page.next_after or "WyJhbGljZSIsIiJd")
    assert [user.handle for user in (await harness.call("anybody", other)).users] in ([], ["zoe"])


async def test_nobody_is_not_me(harness):
    with pytest.raises(NotFound):
        await harness.call("nobody", GetMe())
    account = await harness.call(await harness.register("alice"), GetMe())
    assert structs.asdict(account)["handle"] == "alice"
