"""The connected peers of one conversation's members."""

from .addressed import Addressed
from .delivery import Delivery
from .ports import Peer, SharingPeer
from .withholding import Horizon


class ConversationPeers:
    """The peers, and what is known of who of them sees what.

    Args:
        horizon: From where on each sees the conversation.
    """

    __slots__ = ("_sharing", "addressed", "horizon", "pending", "walk")

    def __init__(self, horizon: Horizon) -> None:
        self.horizon = horizon
        self._sharing: dict[SharingPeer, None] = {}
        self.walk: tuple[SharingPeer, ...] | None = ()
        """The value of ``sharing``; None when others are in than before."""
        self.addressed: Addressed | None = None
        """Peers that encode for themselves; None while there were none yet."""
        self.pending: list[Delivery] | None = []
        """Events that came while the peers are gathered."""

    @property
    def sharing(self) -> tuple[SharingPeer, ...]:
        """The peers that share encoders."""
        if self.walk is None:
            self.walk = tuple(self._sharing)
        return self.walk

    @property
    def peers(self) -> list[Peer]:
        """All of them."""
        addressed = () if self.addressed is None else self.addressed.peers
        return [*self.sharing, *addressed]

    def enter(self, peer: Peer) -> None:
        """Let the peer in; for one that encodes for itself, ``addressed`` is there already."""
        if peer.encoder is not None:
            self._sharing[peer] = None
            self.walk = None
        elif self.addressed is not None:
            self.addressed.peers[peer] = None

    def leave(self, peer: Peer) -> None:
        """Let the peer go, if it is in."""
        if peer.encoder is not None:
            self._sharing.pop(peer, None)
            self.walk = None
        elif self.addressed is not None:
            self.addressed.peers.pop(peer, None)
