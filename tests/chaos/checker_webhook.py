"""What a webhook's receiver must have been told at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Author = tuple[str, str]
"""Sender and client id; both empty where the server wrote."""


@dataclass(frozen=True)
class Event:
    """A message, as the receiver was told of it."""

    conversation_id: str
    seq: int
    author: Author


@dataclass(frozen=True)
class Delivery:
    """What was posted once, under which ``webhook-id``."""

    webhook_id: str
    events: tuple[Event, ...]


@dataclass
class Told:
    """What is wrong with the deliveries; ``redelivered`` is not."""

    events: int = 0
    redelivered: int = 0
    missed: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)


def check_deliveries(
    deliveries: Sequence[Delivery], messages: Mapping[tuple[str, int], Author]
) -> Told:
    """Judge deliveries, in the order in which they came.

    A delivery may come again with the same id, and is then the same. Without those every
    message came once, and those of a conversation in their order.

    Args:
        deliveries: What the receiver took.
        messages: By conversation and seq: who wrote the messages that are there.
    """
    told = Told()
    first: dict[str, Delivery] = {}
    came: set[tuple[str, int]] = set()
    last: dict[str, int] = {}
    for delivery in deliveries:
        if delivery.webhook_id in first:
            told.redelivered += 1
            if first[delivery.webhook_id].events != delivery.events:
                told.disordered.append(f"{delivery.webhook_id} came again with other events")
            continue
        first[delivery.webhook_id] = delivery
        for event in delivery.events:
            where, place = event.conversation_id, (event.conversation_id, event.seq)
            told.events += 1
            if place in came:
                told.doubled.append(f"{event} came again in {delivery.webhook_id}")
                continue
            came.add(place)
            if event.seq <= last.get(where, 0):
                told.disordered.append(f"{event} came after seq {last[where]}")
            last[where] = max(event.seq, last.get(where, 0))
            if messages.get(place) != event.author:
                told.disordered.append(f"the receiver was told {event}: {messages.get(place)}")
    told.missed += [f"the receiver misses {place}" for place in messages if place not in came]
    return told
