"""Ids: derived ones follow from their parts alone and never from anything else."""

import string

from hypothesis import given
from hypothesis import strategies as st

from hongyan.kernel import ids
from hongyan.kernel.ids import ClientId, Kind, UserId

USERS = st.from_regex(r"\A[A-Za-z0-9._-]{1,64}\Z").map(UserId)
CLIENT_IDS = st.from_regex(r"\A[\x20-\x7e]{1,64}\Z").map(ClientId)


@given(USERS, USERS)
def test_a_pair_has_one_direct_conversation(one: UserId, other: UserId) -> None:
    assert ids.direct_id(one, other) == ids.direct_id(other, one)
    assert ids.kind_of(ids.direct_id(one, other)) is Kind.DIRECT


@given(st.tuples(USERS, USERS), st.tuples(USERS, USERS))
def test_two_pairs_have_two(pair: tuple[UserId, UserId], others: tuple[UserId, UserId]) -> None:
    same = sorted(pair) == sorted(others)
    assert (ids.direct_id(*pair) == ids.direct_id(*others)) is same


@given(USERS, CLIENT_IDS, st.sampled_from([Kind.GROUP, Kind.CHANNEL]))
def test_a_creation_s_id_tells_its_kind(user: UserId, client_id: ClientId, kind: Kind) -> None:
    made = ids.group_id(user, client_id, kind)
    assert made == ids.group_id(user, client_id, kind)
    assert ids.kind_of(made) is kind
    assert ids.log_owner(ids.LogId(made)) is None


@given(st.tuples(USERS, CLIENT_IDS), st.tuples(USERS, CLIENT_IDS))
def test_two_creations_have_two_ids(
    one: tuple[UserId, ClientId], other: tuple[UserId, ClientId]
) -> None:
    assert (ids.group_id(*one) == ids.group_id(*other)) is (one == other)


@given(USERS)
def test_a_user_s_log_names_its_owner(user: UserId) -> None:
    log_id = ids.user_log(user)
    assert ids.log_owner(log_id) == user
    assert ids.kind_of(ids.self_id(user)) is Kind.SELF
    assert ids.kind_of(ids.system_id(user)) is Kind.SYSTEM


@given(st.text(max_size=20))
def test_kind_of_takes_anything(text: str) -> None:
    assert ids.kind_of(text) in {None, *Kind}


def test_fresh_ids_differ_and_sort_by_time() -> None:
    made = [ids.new_user_id() for _ in range(200)]
    assert len(set(made)) == 200
    assert all(ids.kind_of(one) is None for one in made)


@given(st.text(min_size=1, max_size=60), USERS, USERS, CLIENT_IDS)
def test_no_two_made_ids_differ_by_case_only(
    text: str, one: UserId, other: UserId, client_id: ClientId
) -> None:
    made = [
        ids.new_user_id(),
        ids.external_user_id(text),
        ids.new_device_id(),
        ids.new_connection_id(),
        ids.new_widget_id(),
        ids.new_token_id(),
        ids.self_id(one),
        ids.system_id(one),
        ids.direct_id(one, other),
        *(ids.group_id(one, client_id, kind) for kind in (Kind.GROUP, Kind.CHANNEL)),
    ]
    assert not set("".join(made)) & set(string.ascii_uppercase)
    assert ids.is_made_here(made[0])
    assert ids.is_made_here(made[1])


@given(st.text(alphabet="aAbB", min_size=1, max_size=8), st.text(alphabet="aAbB", max_size=8))
def test_what_others_made_is_told_apart_by_case(one: str, other: str) -> None:
    assert (ids.external_user_id(one) == ids.external_user_id(other)) is (one == other)
