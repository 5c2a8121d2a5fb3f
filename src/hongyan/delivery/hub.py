"""The peers connected to this node, and the fan-out of events to them.

An event names a log. For a user's log the audience is that user's peers; for a conversation's
it is the peers of its members who are connected here, gathered at the first event and
kept while events keep coming. Events of one log reach every peer in the order in which they
were published.

Peers that share an encoder are the fast way. Those that encode for themselves get a ``Delivery``,
which knows what the conversation is: that is asked for once, when the first of these peers
is to get an event of it; only they wait for the answer.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Container, Coroutine, Iterable
from typing import Any

import msgspec

from hongyan.domain.group.model import (
    CONVERSATION_CHANGED,
    MEMBERS_JOINED,
    MEMBERS_LEFT,
    MembersJoined,
    MembersLeft,
)
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.domain.message.model import MESSAGE
from hongyan.domain.user.model import DEVICE_REMOVED, USER_CHANGED, DeviceRemoved
from hongyan.kernel.ids import ConversationId, DeviceId, UserId, log_owner

from .addressed import Addressed
from .conversation_peers import ConversationPeers
from .delivery import Delivery
from .failures import Failures
from .fanout import address, share
from .ports import ConversationMembers, Descriptions, Peer, UserConversations
from .recent_deliveries import RecentDeliveries
from .resyncs import Resyncs
from .withholding import Horizon, Withholding, withheld

log = logging.getLogger(__name__)

CONVERSATIONS_KEPT = 10_000
PENDING_MAX = 10_000
_MEMBERSHIP = frozenset({MEMBERS_JOINED, MEMBERS_LEFT})
_RIGHTS = frozenset({DEVICE_REMOVED, USER_CHANGED})
Event = Entry | Signal


class Hub:
    """Attaches peers and hands them events.

    Args:
        members: Finds who belongs to a conversation.
        conversations: Finds where a user belongs.
        descriptions: Says what a conversation is.
        resyncs: Asks peers to sync that may have lost something.
        connected: Awaited before a peer counts as attached (``Subscriber.connected``).
        withholding: Says who does not see what; None where everybody sees everything.
    """

    def __init__(
        self,
        members: ConversationMembers,
        conversations: UserConversations,
        descriptions: Descriptions,
        resyncs: Resyncs,
        connected: Callable[[UserId], Awaitable[None]] | None = None,
        withholding: Withholding | None = None,
    ) -> None:
        self._members = members
        self._conversations = conversations
        self._descriptions = descriptions
        self._resyncs = resyncs
        self._withholding = withholding
        self._connected = connected
        self._devices_listeners: list[Callable[[UserId], None]] = []
        self._offline_listeners: list[Callable[[UserId], None]] = []
        self._rights_listeners: list[Callable[[UserId], None]] = []
        """Called when what a connected user or device may do has changed."""
        self.recent = RecentDeliveries()
        """The events of the last moments, for who asks where a message is."""
        self.failures = Failures(resyncs)
        """Takes peers to which an event could not be handed."""
        self.events = 0
        """Events that came here, all together."""
        self.pushes = 0
        """Peers that they were for, all together."""
        self._users: dict[UserId, dict[DeviceId, Peer]] = {}
        self._conversation_peers: OrderedDict[ConversationId, ConversationPeers] = OrderedDict()
        self._conversations_of: dict[Peer, set[ConversationId]] = {}
        self._attaching: dict[Peer, set[ConversationId]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def on_devices(self, listener: Callable[[UserId], None]) -> None:
        """Call this when the devices of a user that are connected here are others."""
        self._devices_listeners.append(listener)

    def on_offline(self, listener: Callable[[UserId], None]) -> None:
        """Call this when a user's last peer has gone."""
        self._offline_listeners.append(listener)

    def on_rights(self, listener: Callable[[UserId], None]) -> None:
        """Call this when the rights of a connected user or device have changed."""
        self._rights_listeners.append(listener)

    async def attach(self, peer: Peer) -> None:
        """Let events reach this peer from now on; an older peer of its device is kicked."""
        self.recent.connected(peer)
        devices = self._users.setdefault(peer.user_id, {})
        older = devices.get(peer.device_id)
        devices[peer.device_id] = peer
        if older is not None:
            self._leave_conversations(older)
            older.kick("replaced")
        else:
            _notify(self._devices_listeners, peer.user_id)
        left: set[ConversationId] = set()
        self._attaching[peer] = left
        try:
            if self._connected is not None:
                await self._connected(peer.user_id)
            for conversation_id in await self._conversations.conversations(peer.user_id):
                conversation = self._conversation_peers.get(conversation_id)
                if conversation is not None and conversation_id not in left and self._is_here(peer):
                    self._enter(conversation_id, conversation, (peer,))
        finally:
            del self._attaching[peer]

    def detach(self, peer: Peer) -> None:
        """Forget a peer that has closed."""
        self.recent.disconnected(peer)
        self.failures.forget(peer)
        self._leave_conversations(peer)
        if self._is_here(peer):
            devices = self._users[peer.user_id]
            del devices[peer.device_id]
            if not devices:
                del self._users[peer.user_id]
                _notify(self._offline_listeners, peer.user_id)
            _notify(self._devices_listeners, peer.user_id)

    @property
    def users(self) -> int:
        """The number of users connected here."""
        return len(self._users)

    def forget_conversations(self) -> None:
        """Gather all peers anew at the next event: a join or a leave may have been missed."""
        self._conversation_peers.clear()
        self._conversations_of.clear()

    def peers(self) -> list[Peer]:
        """Return everybody who is connected here."""
        return [peer for devices in self._users.values() for peer in devices.values()]

    def is_online(self, user_id: UserId) -> bool:
        """Return whether the user has a device connected here."""
        return user_id in self._users

    def devices(self, user_id: UserId) -> Collection[DeviceId]:
        """Return which of the user's devices are connected here."""
        return self._users.get(user_id, {}).keys()

    def committed(self, event: Committed) -> None:
        """Deliver the entries of a commit."""
        self.events += len(event.entries)
        position = event.position
        for entry in event.entries:
            self.recent.note(entry.log_id, entry.seq)
            self._push(Delivery(entry, event.origin, position))
            position += position > 0  # 0 where it is not known

    def signalled(self, signal: Signal) -> None:
        """Deliver a signal."""
        self.events += 1
        self._push(Delivery(signal, signal.origin))

    def _is_here(self, peer: Peer) -> bool:
        return self._users.get(peer.user_id, {}).get(peer.device_id) is peer

    def _leave_conversations(self, peer: Peer) -> None:
        for conversation_id in self._conversations_of.pop(peer, ()):
            conversation = self._conversation_peers.get(conversation_id)
            if conversation is not None:
                conversation.leave(peer)

    def _enter(
        self,
        conversation_id: ConversationId,
        conversation: ConversationPeers,
        peers: Iterable[Peer],
    ) -> None:
        for peer in peers:
            if peer.encoder is None and conversation.addressed is None:
                conversation.addressed = Addressed(
                    conversation_id, self._descriptions, self.failures, self._resyncs
                )
            conversation.enter(peer)
            conversation.horizon.forget(peer.user_id)
            self._conversations_of.setdefault(peer, set()).add(conversation_id)

    # --- pushing ---

    def _push(self, delivery: Delivery) -> None:
        log_id = delivery.event.log_id
        owner = log_owner(log_id)
        if owner is not None:
            self._push_to_user(owner, delivery)
            return
        conversation_id = ConversationId(log_id)
        conversation = self._conversation_peers.get(conversation_id)
        if conversation is None:
            if not self._users:
                return
            conversation = self._gather(conversation_id)
        else:
            self._conversation_peers.move_to_end(conversation_id)
        if conversation.pending is None and delivery.event.kind == MESSAGE:  # nearly always
            self._push_to_peers(conversation, delivery)
        else:
            self._hand(conversation_id, conversation, delivery)

    def _hand(
        self, conversation_id: ConversationId, conversation: ConversationPeers, delivery: Delivery
    ) -> None:
        """Hand an event to the peers, or let it wait behind those that wait."""
        if conversation.pending is not None:
            if len(conversation.pending) < PENDING_MAX:  # beyond: peers see a gap in seq, and sync
                conversation.pending.append(delivery)
            return
        self._push_to_conversation(conversation_id, conversation, delivery)

    def _push_to_conversation(
        self, conversation_id: ConversationId, conversation: ConversationPeers, delivery: Delivery
    ) -> None:
        event = delivery.event
        if event.kind in _MEMBERSHIP:
            self._push_membership(conversation_id, conversation, delivery)
            return
        if event.kind == CONVERSATION_CHANGED:
            conversation.horizon = self._horizon(conversation_id)
        about = conversation.horizon.about(event)
        if about and conversation.horizon.unknown(conversation.peers):
            conversation.pending = [delivery]
            self._run(self._look(conversation_id, conversation))
            return
        blind = conversation.horizon.blind(about, conversation.peers) if about else None
        if blind:
            self._push_to_peers(conversation, withheld(delivery), blind)
            self._push_to_peers(conversation, delivery, set(conversation.peers) - blind)
        else:
            self._push_to_peers(conversation, delivery)

    def _push_to_peers(
        self,
        conversation: ConversationPeers,
        delivery: Delivery,
        only: Container[Peer] | None = None,
    ) -> None:
        """Hand an event to the conversation's peers, or to those of them that are named."""
        sharing = conversation.walk if conversation.walk is not None else conversation.sharing
        addressed = () if conversation.addressed is None else tuple(conversation.addressed.peers)
        if only is not None:
            sharing = tuple(peer for peer in sharing if peer in only)
            addressed = tuple(peer for peer in addressed if peer in only)
        self.pushes += len(sharing) + len(addressed)
        failed = share(delivery, sharing)
        if failed is not None:
            self.failures.note(delivery.event, failed)
        if conversation.addressed is not None and (addressed or only is None):
            conversation.addressed.deliver(delivery, addressed)

    def _push_to_user(self, owner: UserId, delivery: Delivery) -> None:
        devices = self._users.get(owner)
        if devices is None:
            return
        event = delivery.event
        peers: Collection[Peer] = devices.values()
        if isinstance(event, Signal) and event.devices:
            peers = [devices[one] for one in event.devices if one in devices]
        self.pushes += len(peers)
        sharing = [peer for peer in peers if peer.encoder is not None]
        failed = share(delivery, sharing)
        if failed is not None:
            self.failures.note(delivery.event, failed)
        if len(sharing) < len(peers):
            addressed = [peer for peer in peers if peer.encoder is None]
            failed = address(delivery, addressed)
            if failed is not None:
                self.failures.note(event, failed)
        if event.kind in _RIGHTS:
            _notify(self._rights_listeners, owner)
        if event.kind == DEVICE_REMOVED and isinstance(event, Entry):
            removed = msgspec.json.decode(event.body, type=DeviceRemoved)
            self.kick(owner, removed.device_id, removed.reason)

    def _push_membership(
        self, conversation_id: ConversationId, conversation: ConversationPeers, delivery: Delivery
    ) -> None:
        """Push who has joined or left, to both old and new members."""
        event = delivery.event
        if event.kind == MEMBERS_JOINED:
            for user_id in msgspec.json.decode(event.body, type=MembersJoined).user_ids:
                self._enter(conversation_id, conversation, self._users.get(user_id, {}).values())
        self._push_to_peers(conversation, delivery)
        if event.kind == MEMBERS_LEFT:
            gone = set(msgspec.json.decode(event.body, type=MembersLeft).user_ids)
            for peer in [one for one in conversation.peers if one.user_id in gone]:
                conversation.leave(peer)
                self._conversations_of[peer].discard(conversation_id)
            for peer, left in self._attaching.items():
                if peer.user_id in gone:
                    left.add(conversation_id)

    # --- peers of conversations ---

    def _gather(self, conversation_id: ConversationId) -> ConversationPeers:
        conversation = self._conversation_peers[conversation_id] = ConversationPeers(
            self._horizon(conversation_id)
        )
        if len(self._conversation_peers) > CONVERSATIONS_KEPT:
            oldest, least_used = next(iter(self._conversation_peers.items()))
            if least_used.pending is None:
                del self._conversation_peers[oldest]
        self._run(self._load(conversation_id, conversation))
        return conversation

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _horizon(self, conversation_id: ConversationId) -> Horizon:
        if self._withholding is None:
            return Horizon(is_open=True)
        return self._withholding.horizon(conversation_id)

    async def _load(self, conversation_id: ConversationId, conversation: ConversationPeers) -> None:
        try:
            members = await self._members.members(conversation_id)
        except Exception:
            log.exception("cannot load the members of %s", conversation_id)
            self._conversation_peers.pop(conversation_id, None)
            return
        if len(members) > len(self._users):
            known = members if isinstance(members, set | frozenset) else set(members)
            here: Iterable[UserId] = [user_id for user_id in self._users if user_id in known]
        else:
            here = [user_id for user_id in members if user_id in self._users]
        for user_id in here:
            self._enter(conversation_id, conversation, self._users[user_id].values())
        self._go_on(conversation_id, conversation)

    async def _look(self, conversation_id: ConversationId, conversation: ConversationPeers) -> None:
        assert self._withholding is not None
        try:
            await self._withholding.look(conversation_id, conversation.horizon, conversation.peers)
        except Exception:
            log.exception("cannot look who sees what in %s", conversation_id)
            self._conversation_peers.pop(
                conversation_id, None
            )  # its peers see a gap in seq, and sync
            return
        self._go_on(conversation_id, conversation)

    def _go_on(self, conversation_id: ConversationId, conversation: ConversationPeers) -> None:
        """Push what waits; one of them may make the rest wait again."""
        pending, conversation.pending = conversation.pending or [], None
        for delivery in pending:
            self._hand(conversation_id, conversation, delivery)

    def kick(self, user_id: UserId, device_id: DeviceId, reason: str) -> None:
        """Let a device that was removed go, if it is here."""
        peer = self._users.get(user_id, {}).get(device_id)
        if peer is not None:
            peer.kick(reason)


def _notify(listeners: list[Callable[[UserId], None]], user_id: UserId) -> None:
    for listener in listeners:
        listener(user_id)
