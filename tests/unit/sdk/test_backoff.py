from hongyan_sdk.backoff import Backoff


def test_bound_doubles_up_to_the_limit_and_resets() -> None:
    backoff = Backoff(first_s=1, limit_s=5, chance=lambda: 1.0)
    assert [backoff.next_s() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next_s() == 1


def test_full_jitter() -> None:
    assert Backoff(first_s=8, chance=lambda: 0.25).next_s() == 2
    assert Backoff(chance=lambda: 0.0).next_s() == 0
