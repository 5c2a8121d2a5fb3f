"""Durations by bucket."""

from hongyan.kernel.meters import BOUNDS_S, Durations, Meters


def test_a_duration_falls_into_the_bucket_whose_bound_it_does_not_pass():
    noted = Durations()
    for seconds in (0.0, BOUNDS_S[0], BOUNDS_S[0] * 1.01, BOUNDS_S[-1] + 1):
        noted.note(seconds)
    assert noted.counts[:2] == [2, 1]
    assert noted.counts[-1] == 1
    assert len(noted.counts) == len(BOUNDS_S) + 1
    assert noted.total_s == sum((0.0, BOUNDS_S[0], BOUNDS_S[0] * 1.01, BOUNDS_S[-1] + 1))


def test_a_name_has_its_durations_from_the_first_time():
    meters = Meters()
    meters["a"].note(1)
    meters["a"].note(1)
    assert sum(meters["a"].counts) == 2
