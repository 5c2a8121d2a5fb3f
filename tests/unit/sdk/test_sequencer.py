from hypothesis import given
from hypothesis import strategies as st

from hongyan_sdk.models import Entry
from hongyan_sdk.sequencer import Sequencer


def entry(seq: int) -> Entry:
    return Entry("c", seq, seq, "message", "bob", "", 0, {})


def test_in_order_passes_at_once() -> None:
    log = Sequencer(4)
    assert [e.seq for e in log.offer(entry(5))] == [5]
    assert log.tip == 5
    assert log.missing is None


def test_early_waits_for_the_gap() -> None:
    log = Sequencer(0)
    assert log.offer(entry(3)) == []
    assert log.missing == (1, 2)
    assert [e.seq for e in log.offer(entry(1))] == [1]
    assert log.missing == (2, 2)
    assert [e.seq for e in log.offer(entry(2))] == [2, 3]
    assert log.missing is None


def test_known_end_without_entries_is_missing() -> None:
    log = Sequencer(2)
    log.expect(4)
    assert log.missing == (3, 4)


def test_skip_hands_on_what_was_held() -> None:
    log = Sequencer(0)
    log.offer(entry(2))
    log.offer(entry(5))
    assert [e.seq for e in log.skip(4)] == [2, 5]
    assert log.tip == 5


@given(st.permutations(range(1, 12)), st.lists(st.integers(1, 11)))
def test_any_order_any_repeats_give_the_log(order: list[int], repeats: list[int]) -> None:
    log = Sequencer(0)
    out = [e.seq for seq in order + repeats for e in log.offer(entry(seq))]
    assert out == list(range(1, 12))
