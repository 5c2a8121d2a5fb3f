"""The peers connected to this node, and the fan-out of facts to them.

A fact names a log. For a user's log the audience is that user's peers; for a conversation's
it is a room: the peers of its members who are connected here, gathered at the first fact and
kept while facts keep coming. Facts of one log reach every peer in the order in which they
were told.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable

import msgspec

from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT, MembersJoined, MembersLeft
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.domain.user.model import DEVICE_REMOVED, DeviceRemoved
from hongyan.kernel.ids import ConnectionId, ConversationId, DeviceId, UserId, log_owner

from .ports import Audience, Encoder, Peer
from .recent import Recent

log = logging.getLogger(__name__)

ROOMS_KEPT = 10_000
PENDING_MAX = 10_000
_ROLL = frozenset({MEMBERS_JOINED, MEMBERS_LEFT})
Fact = tuple[Entry | Signal, ConnectionId, int]
"""What happened, which connection asked for it, and an entry's position."""


class _Room:
    """The connected peers of one conversation's members; ``pending`` while being gathered."""

    __slots__ = ("peers", "pending")

    def __init__(self) -> None:
        self.peers: dict[Peer, None] = {}
        self.pending: list[Fact] | None = []


class Hub:
    """Attaches peers and hands them facts.

    Args:
        audience: Tells members and conversations.
        on_devices: Called when the devices of a user that are connected here are others.
        on_offline: Called when a user's last peer has gone.
        came: Awaited before a peer counts as attached (``Station.came``).
    """

    def __init__(
        self,
        audience: Audience,
        on_devices: Callable[[UserId], None] = lambda _: None,
        on_offline: Callable[[UserId], None] = lambda _: None,
        came: Callable[[UserId], Awaitable[None]] | None = None,
    ) -> None:
        self._audience = audience
        self._came = came
        self.on_devices = on_devices
        self.on_offline = on_offline
        self.recent = Recent()
        """What was told a moment ago, for who asks where a message is."""
        self.facts = 0
        """How many facts were told here."""
        self.pushes = 0
        """How many peers they were for, all together."""
        self._users: dict[UserId, dict[DeviceId, Peer]] = {}
        self._rooms: OrderedDict[ConversationId, _Room] = OrderedDict()
        self._rooms_of: dict[Peer, set[ConversationId]] = {}
        self._attaching: dict[Peer, set[ConversationId]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def attach(self, peer: Peer) -> None:
        """Let facts reach this peer from now on; an older peer of its device is kicked."""
        self.recent.came(peer)
        devices = self._users.setdefault(peer.user_id, {})
        older = devices.get(peer.device_id)
        devices[peer.device_id] = peer
        if older is not None:
            self._leave_rooms(older)
            older.kick("replaced")
        else:
            self.on_devices(peer.user_id)
        left: set[ConversationId] = set()
        self._attaching[peer] = left
        try:
            if self._came is not None:
                await self._came(peer.user_id)
            for conversation_id in await self._audience.conversations(peer.user_id):
                room = self._rooms.get(conversation_id)
                if room is not None and conversation_id not in left and self._is_here(peer):
                    self._enter(conversation_id, room, (peer,))
        finally:
            del self._attaching[peer]

    def detach(self, peer: Peer) -> None:
        """Forget a peer that has closed."""
        self.recent.went(peer)
        self._leave_rooms(peer)
        if self._is_here(peer):
            devices = self._users[peer.user_id]
            del devices[peer.device_id]
            if not devices:
                del self._users[peer.user_id]
                self.on_offline(peer.user_id)
            self.on_devices(peer.user_id)

    @property
    def users(self) -> int:
        """How many users are connected here."""
        return len(self._users)

    def forget_rooms(self) -> None:
        """Gather every room anew at its next fact: a join or a leave may have been missed."""
        self._rooms.clear()
        self._rooms_of.clear()

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
        for one in event.split():
            (entry,) = one.entries
            self.recent.note(entry.log_id, entry.seq)
            self._tell(entry, one.origin, one.position)

    def signalled(self, signal: Signal) -> None:
        """Deliver a signal."""
        self._tell(signal, signal.origin, 0)

    def _is_here(self, peer: Peer) -> bool:
        return self._users.get(peer.user_id, {}).get(peer.device_id) is peer

    def _leave_rooms(self, peer: Peer) -> None:
        for conversation_id in self._rooms_of.pop(peer, ()):
            room = self._rooms.get(conversation_id)
            if room is not None:
                room.peers.pop(peer, None)

    def _enter(self, conversation_id: ConversationId, room: _Room, peers: Iterable[Peer]) -> None:
        for peer in peers:
            room.peers[peer] = None
            self._rooms_of.setdefault(peer, set()).add(conversation_id)

    def _tell(self, fact: Entry | Signal, origin: ConnectionId, position: int) -> None:
        owner = log_owner(fact.log_id)
        if owner is not None:
            self._tell_user(owner, fact, origin, position)
            return
        conversation_id = ConversationId(fact.log_id)
        room = self._rooms.get(conversation_id)
        if room is None:
            if not self._users:
                return
            room = self._gather(conversation_id)
        else:
            self._rooms.move_to_end(conversation_id)
        if room.pending is not None:
            if len(room.pending) < PENDING_MAX:  # beyond: peers see a gap in seq, and sync
                room.pending.append((fact, origin, position))
            return
        self._tell_room(conversation_id, room, fact, origin, position)

    def _tell_room(
        self,
        conversation_id: ConversationId,
        room: _Room,
        fact: Entry | Signal,
        origin: ConnectionId,
        position: int,
    ) -> None:
        if fact.kind in _ROLL:
            self._tell_roll(conversation_id, room, fact, origin, position)
        else:
            self.pushes += len(room.peers)
            _fan_out(fact, origin, position, room.peers)

    def _tell_user(
        self, owner: UserId, fact: Entry | Signal, origin: ConnectionId, position: int
    ) -> None:
        devices = self._users.get(owner)
        if devices is not None:
            self.pushes += len(devices)
            _fan_out(fact, origin, position, devices.values())
            if fact.kind == DEVICE_REMOVED and isinstance(fact, Entry):
                removed = msgspec.json.decode(fact.body, type=DeviceRemoved)
                self.kick(owner, removed.device_id, removed.reason)

    def _tell_roll(
        self,
        conversation_id: ConversationId,
        room: _Room,
        fact: Entry | Signal,
        origin: ConnectionId,
        position: int,
    ) -> None:
        """Tell who has joined or left, to both old and new members."""
        if fact.kind == MEMBERS_JOINED:
            for user_id in msgspec.json.decode(fact.body, type=MembersJoined).user_ids:
                self._enter(conversation_id, room, self._users.get(user_id, {}).values())
        _fan_out(fact, origin, position, room.peers)
        if fact.kind == MEMBERS_LEFT:
            gone = set(msgspec.json.decode(fact.body, type=MembersLeft).user_ids)
            for peer in [peer for peer in room.peers if peer.user_id in gone]:
                del room.peers[peer]
                self._rooms_of[peer].discard(conversation_id)
            for peer, left in self._attaching.items():
                if peer.user_id in gone:
                    left.add(conversation_id)

    def _gather(self, conversation_id: ConversationId) -> _Room:
        room = self._rooms[conversation_id] = _Room()
        if len(self._rooms) > ROOMS_KEPT:
            oldest, least_used = next(iter(self._rooms.items()))
            if least_used.pending is None:
                del self._rooms[oldest]
        task = asyncio.get_running_loop().create_task(self._load(conversation_id, room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return room

    async def _load(self, conversation_id: ConversationId, room: _Room) -> None:
        try:
            members = await self._audience.members(conversation_id)
        except Exception:
            log.exception("cannot load the members of %s", conversation_id)
            self._rooms.pop(conversation_id, None)
            return
        if len(members) > len(self._users):
            known = members if isinstance(members, set | frozenset) else set(members)
            here: Iterable[UserId] = [user_id for user_id in self._users if user_id in known]
        else:
            here = [user_id for user_id in members if user_id in self._users]
        for user_id in here:
            self._enter(conversation_id, room, self._users[user_id].values())
        pending, room.pending = room.pending or [], None
        for fact, origin, position in pending:
            self._tell_room(conversation_id, room, fact, origin, position)

    def kick(self, user_id: UserId, device_id: DeviceId, reason: str) -> None:
        """Let a device that was removed go, if it is here."""
        peer = self._users.get(user_id, {}).get(device_id)
        if peer is not None:
            peer.kick(reason)


def _fan_out(
    fact: Entry | Signal, origin: ConnectionId, position: int, peers: Iterable[Peer]
) -> None:
    """Encode the fact once for each encoder and queue it for each peer but the origin."""
    encoder: Encoder | None = None
    frame: bytes | None = None
    frames: dict[Encoder, bytes | None] | None = None
    for peer in peers:
        if peer.connection_id == origin and origin:
            continue
        if peer.encoder is not encoder:
            if encoder is None:
                encoder = peer.encoder
                frame = encoder.encode(fact, position)
            else:
                frames = frames or {encoder: frame}
                encoder = peer.encoder
                if encoder not in frames:
                    frames[encoder] = encoder.encode(fact, position)
                frame = frames[encoder]
        if frame is not None:
            peer.push(frame)
