"""The window of one member, as a table, and what is about what."""

import msgspec
import pytest

from hongyan.domain.group.model import Member
from hongyan.domain.log.model import Entry, LogState
from hongyan.domain.visibility.model import END, Preference, Trim, Window, about_seq
from hongyan.domain.visibility.rules import begins_after, trimmed, window

ROOM = "g" + "a" * 16


def member(**fields):
    return Member(conversation_id=ROOM, user_id="ann", **fields)


def cleared(seq):
    return Preference(user_id="ann", conversation_id=ROOM, cleared_seq=seq, cleared_ordinal=seq)


def trim(seq):
    return Trim(conversation_id=ROOM, up_to_seq=seq, up_to_ordinal=seq)


GONE = {"active": False, "visible_until": 8}
TABLE = [
    ("everything", member(), None, None, None, (1, END)),
    ("up to the head", member(), None, None, LogState(9, 5, 0), (1, 9)),
    ("an empty log", member(), None, None, LogState(), (1, 0)),
    ("a newcomer without history", member(visible_from=4), None, None, LogState(9), (4, 9)),
    ("who has left", member(**GONE), None, None, LogState(9), (1, 8)),
    ("who has left a stay", member(visible_from=4, **GONE), None, None, LogState(9), (4, 8)),
    ("who left and nobody said where", member(active=False), None, None, LogState(9), (1, 0)),
    ("who never was one", None, None, None, LogState(9), (1, 0)),
    ("cleared", member(), cleared(3), None, LogState(9), (4, 9)),
    ("cleared before coming", member(visible_from=6), cleared(3), None, LogState(9), (6, 9)),
    ("all cleared", member(), cleared(9), None, LogState(9), (10, 9)),
    ("trimmed", member(), None, trim(5), LogState(9), (6, 9)),
    ("trimmed and cleared", member(), cleared(7), trim(5), LogState(9), (8, 9)),
    ("cleared, trimmed later", member(), cleared(3), trim(5), LogState(9), (6, 9)),
    ("trimmed beyond the end", member(**GONE), None, trim(8), LogState(9), (9, 8)),
]


@pytest.mark.parametrize(
    ("who", "preference", "emptied", "head", "stretch"), [row[1:] for row in TABLE]
)
def test_a_window(who, preference, emptied, head, stretch):
    found = window(who, preference, emptied, head)
    assert (found.first, found.last) == stretch
    assert found.is_over == (who is not None and who.visible_until > 0)


@pytest.mark.parametrize(("seq", "has"), [(3, False), (4, True), (8, True), (9, False)])
def test_both_ends_belong_to_it(seq, has):
    assert Window(4, 8).has(seq) is has


@pytest.mark.parametrize(("emptied", "kept"), [(None, 3), (trim(2), 3), (trim(3), 3), (trim(5), 5)])
def test_what_is_gone_for_all_is_cleared_for_each(emptied, kept):
    found = trimmed(cleared(3), emptied)
    assert (found.cleared_seq, found.cleared_ordinal) == (kept, kept)


@pytest.mark.parametrize(("first", "seq", "before"), [(1, 0, 0), (6, 3, 5), (6, 5, 0), (6, 9, 0)])
def test_where_a_newcomer_begins(first, seq, before):
    assert begins_after(member(visible_from=first), cleared(seq)) == before


@pytest.mark.parametrize(
    ("body", "about"),
    [
        ({"seq": 4, "emoji": "x"}, 4),
        ({"name": "T"}, 0),
        ({}, 0),
        ({"quote": {"seq": 4}}, 0),
        ({"seq": "x"}, 0),
        ([4], 0),
    ],
)
def test_a_body_names_what_it_is_about(body, about):
    raw = msgspec.Raw(msgspec.json.encode(body))
    assert about_seq(Entry(ROOM, 9, 1, "x", "ann", "", 1, raw)) == about
