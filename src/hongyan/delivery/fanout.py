"""Handing one event to many peers, so that a peer that fails harms nobody else."""

from collections.abc import Sequence

from msgspec import Struct, field

from .delivery import Delivery
from .ports import AddressedPeer, Encoder, Peer, SharingPeer


class Failed(Struct):
    """The peers that did not get an event, and why."""

    alone: dict[Peer, Exception] = field(default_factory=dict)
    """Peers that failed by themselves."""
    together: dict[Peer, Exception] = field(default_factory=dict)
    """Peers whose encoder failed, which is no fault of theirs."""


def share(delivery: Delivery, peers: Sequence[SharingPeer]) -> Failed | None:
    """Encode an event once for each encoder, and push it to each peer but the origin.

    Args:
        delivery: The event.
        peers: Who gets it; not to be changed meanwhile, though a push may make its peer go.

    Returns:
        Who did not get it; None, nearly always, when all did.
    """
    event, origin, position = delivery.event, delivery.origin, delivery.position
    encoder: Encoder | None = None
    frame: bytes | None = None
    frames: dict[Encoder, bytes | None] = {}
    failed: Failed | None = None
    walk = iter(peers)
    while True:
        try:
            for peer in walk:
                if peer.connection_id == origin and origin:
                    continue
                if peer.encoder is not encoder:
                    encoder = peer.encoder
                    if encoder in frames:
                        frame = frames[encoder]
                    else:
                        frame = frames[encoder] = encoder.encode(event, position)
                if frame is not None:
                    peer.push(frame)
            return failed
        except Exception as error:
            failed = failed or Failed()
            if peer.encoder in frames:
                failed.alone[peer] = error
            else:
                frames[peer.encoder] = frame = None
                failed.together |= {one: error for one in peers if one.encoder is peer.encoder}


def address(delivery: Delivery, peers: Sequence[AddressedPeer]) -> Failed | None:
    """Let each peer encode an event for itself; the origin may want it too.

    Returns:
        Who did not get it; None, nearly always, when all did.
    """
    failed: dict[Peer, Exception] = {}
    for peer in peers:
        try:
            peer.deliver(delivery)
        except Exception as error:
            failed[peer] = error
    return Failed(failed) if failed else None
