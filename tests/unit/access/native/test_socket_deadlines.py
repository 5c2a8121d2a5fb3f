from hongyan.access.native.sockets import Deadlines


def test_each_item_expires_once_when_its_time_is_over() -> None:
    late: list[str] = []
    deadlines = Deadlines[str](10.0, late.append)
    deadlines.add("a", 0.0)
    deadlines.add("b", 5.0)
    deadlines.sweep(9.9)
    assert late == []
    deadlines.sweep(10.0)
    assert late == ["a"]
    deadlines.sweep(100.0)
    deadlines.sweep(200.0)
    assert late == ["a", "b"]


def test_a_discarded_item_does_not_expire() -> None:
    late: list[str] = []
    deadlines = Deadlines[str](10.0, late.append)
    deadlines.add("a", 0.0)
    deadlines.discard("a")
    deadlines.discard("never there")
    deadlines.sweep(100.0)
    assert late == []
    assert "a" not in deadlines


def test_an_item_added_again_starts_afresh_behind_the_others() -> None:
    late: list[str] = []
    deadlines = Deadlines[str](10.0, late.append)
    deadlines.add("a", 0.0)
    deadlines.add("b", 1.0)
    deadlines.add("a", 5.0)
    deadlines.sweep(12.0)
    assert late == ["b"]
    assert "a" in deadlines


def test_who_is_late_may_add_himself_again() -> None:
    deadlines = Deadlines[str](10.0, lambda item: deadlines.add(item, 100.0))
    deadlines.add("a", 0.0)
    deadlines.sweep(50.0)
    assert "a" in deadlines
