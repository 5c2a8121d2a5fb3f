"""Which parts make a file, whoever wrote them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongyan.infra.objects.s3_staging import PartName, chain, parts_of, stamp
from hongyan.kernel.errors import NotFound


def part(first, end, when=0):
    return PartName(first, f"{when:014d}x", end)


def test_a_name_tells_the_part():
    name = PartName(5, stamp(), 9).name
    assert [(one.first, one.end) for one in parts_of({name: 4})] == [(5, 9)]


def test_an_object_of_another_size_is_no_part():
    name = PartName(5, stamp(), 9).name
    assert parts_of({name: 3, "whole-abc": 4, "part-x": 1}) == []


def test_later_stamps_sort_behind():
    made = [stamp()[:14] for _ in range(3)]
    assert made == sorted(made)


def test_the_newest_part_counts():
    assert chain([part(0, 3, 1), part(0, 3, 2)], 3) == [part(0, 3, 2)]


def test_a_part_that_leads_nowhere_is_passed_over():
    parts = [part(0, 6, 1), part(0, 4, 2), part(4, 7, 3), part(6, 10, 4)]
    assert chain(parts, 10) == [part(0, 6, 1), part(6, 10, 4)]


@pytest.mark.parametrize("parts", [[], [part(0, 3)], [part(3, 6)], [part(0, 3), part(4, 6)]])
def test_a_gap_is_noticed(parts):
    with pytest.raises(NotFound):
        chain(parts, 6)


spans = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 99))


@given(st.sets(spans, max_size=12), st.integers(1, 12))
def test_a_chain_is_found_where_there_is_one(found, length):
    parts = [part(*one) for one in found]
    reached = {0}
    for _ in range(length):
        reached |= {one.end for one in parts if one.first in reached and one.first < one.end}
    if length not in reached:
        with pytest.raises(NotFound):
            chain(parts, length)
        return
    made = chain(parts, length)
    assert [0, *(one.end for one in made)] == [*(one.first for one in made), length]
