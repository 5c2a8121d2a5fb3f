"""Answers where a message is, from the log, the cursors and what the nodes remember."""

from collections.abc import Sequence

from hongyan.domain.group.model import Member
from hongyan.domain.log.model import Cursor, Entry
from hongyan.domain.log.ports import Cursors, Log, Records
from hongyan.domain.user.model import Device
from hongyan.domain.visibility.visibility import Visibility
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.errors import Invalid, NotFound
from hongyan.kernel.ids import ClientId, LogId, UserId

from .commands_tracing import (
    DevicePush,
    NodeTrace,
    Traced,
    TracedDevice,
    TracedUser,
    TraceMessage,
)
from .ports import Deliveries

USERS_MAX = 200
DEVICES_MAX = 50


class Tracing:
    """Answers ``admin.trace``.

    Args:
        log: The message.
        cursors: Who has read it.
        records: Members and their devices.
        visibility: Who sees what.
        deliveries: What the nodes remember.
    """

    def __init__(
        self,
        log: Log,
        cursors: Cursors,
        records: Records,
        visibility: Visibility,
        deliveries: Deliveries,
    ) -> None:
        self._log = log
        self._cursors = cursors
        self._records = records
        self._visibility = visibility
        self._deliveries = deliveries

    @handles(TraceMessage)
    async def trace(self, _actor: Actor, command: TraceMessage) -> Traced:
        """Answer ``TraceMessage``."""
        entry = await self._entry(command)
        members = await self._records.scan(
            Member, command.conversation_id, by="of_conversation", limit=USERS_MAX + 1
        )
        members = sorted(members, key=lambda member: member.user_id)
        shown = members[:USERS_MAX]
        users = [member.user_id for member in shown]
        nodes = await self._deliveries.of(entry.log_id, entry.seq, users)
        pushes = [push for node in nodes for push in node.pushes]
        viewers = await self._visibility.viewers(entry, users)
        return Traced(
            conversation_id=command.conversation_id,
            seq=entry.seq,
            kind=entry.kind,
            sender=entry.sender,
            client_id=entry.client_id,
            accepted_at_ms=entry.sent_at_ms,
            nodes=tuple(NodeTrace(node.node, node.heard_at_ms) for node in nodes),
            users=tuple(
                [await self._user(user_id, user_id in viewers, entry, pushes) for user_id in users]
            ),
            is_cut=len(members) > USERS_MAX,
        )

    async def _entry(self, command: TraceMessage) -> Entry:
        log_id = LogId(command.conversation_id)
        if command.seq:
            found = await self._log.read(log_id, command.seq, command.seq, 1)
        elif command.sender and command.client_id:
            one = await self._log.find(log_id, command.sender, ClientId(command.client_id))
            found = [] if one is None else [one]
        else:
            raise Invalid("Name the seq, or the sender and the client id.")
        if not found:
            raise NotFound("No such message was ever stored here: it was not accepted.")
        return found[0]

    async def _user(
        self, user_id: UserId, may_see: bool, entry: Entry, pushes: Sequence[DevicePush]
    ) -> TracedUser:
        cursors = await self._cursors.of_user(user_id, [entry.log_id])
        cursor = cursors.get(entry.log_id, Cursor())
        devices = await self._records.scan(Device, user_id, by="by_user", limit=DEVICES_MAX)
        own = {push.device_id: push for push in pushes if push.user_id == user_id}
        return TracedUser(
            user_id,
            may_see=may_see,
            is_delivered=user_id == entry.sender
            or max(cursor.delivered_seq, cursor.read_seq) >= entry.seq,
            is_read=user_id == entry.sender or cursor.read_seq >= entry.seq,
            devices=tuple(_device(device, own.get(device.device_id)) for device in devices),
        )


def _device(device: Device, push: DevicePush | None) -> TracedDevice:
    if push is None:
        return TracedDevice(device.device_id, device.platform, device.seen_at_ms)
    return TracedDevice(
        device.device_id,
        device.platform,
        device.seen_at_ms,
        push.at_ms,
        push.node,
        push.is_connected,
    )
