"""What measuring costs for each message: ``python -m benchmarks.meters``.

Compared are the calls around a request with and without the meter, the two counters of the
fan-out, and the note of when a fact came. Everything else is gathered at the scrape.
"""

import timeit
from functools import partial
from time import perf_counter

from hongyan.delivery.recent_deliveries import RecentDeliveries
from hongyan.kernel.ids import LogId
from hongyan.kernel.meters import Durations, Meters

ROUNDS, EACH = 7, 200_000


class Node:
    """What counts as a hub does."""

    events = 0
    pushes = 0


def _ns(function: object) -> float:
    return min(timeit.repeat(function, number=EACH, repeat=ROUNDS)) / EACH * 1e9  # type: ignore[arg-type]


def _plain(_request_id: int, _result: object, _error: object) -> None:
    pass


def _metered(_id: int, took: Durations, began: float, _result: object, _error: object) -> None:
    took.note(perf_counter() - began)


def main() -> None:
    meters, node, peers = Meters(), Node(), {1: None}

    def without() -> None:
        partial(_plain, 1)(None, None)

    def measured() -> None:
        began = perf_counter()
        partial(_metered, 1, meters["message.send"], began)(None, None)

    def fan_out() -> None:
        node.events += 1
        node.pushes += len(peers)

    recent, log_id = RecentDeliveries(), LogId("g" + "a" * 16)
    nothing = _ns(lambda: None)
    request, event = _ns(measured) - _ns(without), _ns(fan_out) - nothing
    note = _ns(lambda: recent.note(log_id, 1)) - nothing
    print(
        f"each request: {request:.0f} ns;"
        f" each fact at a node: {event:.0f} ns, noting it {note:.0f} ns"
    )


if __name__ == "__main__":
    main()
