"""Groups bound to objects of the business, and notices of system accounts."""

import hashlib

from hongyan.domain.conversation.commands import OpenSystem
from hongyan.domain.group.commands import CreateGroup, NotAdded
from hongyan.domain.group.commands_members import AddMembers, KickMembers
from hongyan.domain.group.model import Group, Member, MemberCount
from hongyan.domain.log.model import Append, Commit, encode_body
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.message.commands import Ack, TooLong
from hongyan.domain.message.model import MESSAGE, MessageBody
from hongyan.kernel.bus import Actor, Caller, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Conflict
from hongyan.kernel.ids import ClientId, DeviceId, LogId, UserId
from hongyan.kernel.limits import CLIENT_ID_MAX, check_length

from .app_users import ExternalUsers
from .commands import NotABot
from .commands_app import (
    AddBoundMembers,
    BoundConversation,
    Changed,
    CreateBoundConversation,
    GetBoundConversation,
    NoSuchConversation,
    Notify,
    RemoveBoundMembers,
)
from .rules import check_external_id

MEMBERS_MAX = 500
REMOVED_MAX = 100


class AppConversations:
    """Answers ``app.conversation_*``, ``app.members_*`` and ``app.notify``.

    Args:
        caller: Reaches the group and conversation services.
        log: Where notices go.
        records: Where rows are read.
        clock: The time of day.
        people: Finds users by their external ids.
        content_bytes_max: The largest notice, as JSON.
    """

    def __init__(
        self,
        caller: Caller,
        log: Log,
        records: Records,
        clock: Clock,
        people: ExternalUsers,
        content_bytes_max: int = 128 * 1024,
    ) -> None:
        self._caller = caller
        self._log = log
        self._records = records
        self._clock = clock
        self._people = people
        self._content_bytes_max = content_bytes_max

    @handles(CreateBoundConversation)
    async def create(self, actor: Actor, command: CreateBoundConversation) -> BoundConversation:
        """See ``CreateBoundConversation``."""
        check_external_id(command.external_id)
        check_length("members", command.members, MEMBERS_MAX)
        found = await self._find(command.external_id)
        if found is not None:
            return await self._bound(found)
        people = await self._people.find([command.owner, *command.members])
        owner = people[command.owner]
        create = CreateGroup(
            client_id=ClientId(hashlib.sha256(command.external_id.encode()).hexdigest()),
            kind=command.kind,
            name=command.name,
            avatar=command.avatar,
            join_policy=command.join_policy,
            members_limit=command.members_limit,
            external_id=command.external_id,
        )
        try:
            made = await self._caller.call(_acting(actor, owner), create)
        except Conflict:
            found = await self._find(command.external_id)  # somebody else was first
            if found is None:
                raise
            return await self._bound(found)
        added = await self._add(actor, made.info.group, [people[one] for one in command.members])
        return await self._bound(made.info.group, True, added.not_added)

    @handles(GetBoundConversation)
    async def get(self, _actor: Actor, command: GetBoundConversation) -> BoundConversation:
        """See ``GetBoundConversation``."""
        return await self._bound(await self._group(command.external_id))

    @handles(AddBoundMembers)
    async def add(self, actor: Actor, command: AddBoundMembers) -> Changed:
        """See ``AddBoundMembers``."""
        check_length("members", command.members, MEMBERS_MAX)
        group = await self._group(command.external_id)
        people = await self._people.find(command.members)
        return await self._add(actor, group, list(people.values()))

    @handles(RemoveBoundMembers)
    async def remove(self, actor: Actor, command: RemoveBoundMembers) -> Changed:
        """See ``RemoveBoundMembers``."""
        check_length("members", command.members, REMOVED_MAX)
        group = await self._group(command.external_id)
        people = await self._people.find(command.members)
        keys = [(group.conversation_id, user_id) for user_id in people.values()]
        places = await self._records.get_many(Member, keys)
        here = tuple(key[1] for key in keys if key in places and places[key].active)
        if here:
            kick = KickMembers(conversation_id=group.conversation_id, user_ids=here)
            await self._caller.call(_acting(actor, group.owner_id), kick)
        return Changed(group.conversation_id, here)

    @handles(Notify)
    async def notify(self, actor: Actor, command: Notify) -> Ack:
        """See ``Notify``."""
        check_length("client_id", command.client_id, CLIENT_ID_MAX, least=1)
        account = await self._people.get(command.account)
        if not account.bot:
            raise NotABot
        body = encode_body(MessageBody(command.content))
        if len(body) > self._content_bytes_max:
            raise TooLong(limit=self._content_bytes_max)
        user_id = (await self._people.find([command.external_id]))[command.external_id]
        opened = await self._caller.call(actor, OpenSystem(user_id=user_id))
        append = Append(
            LogId(opened.conversation_id),
            MESSAGE,
            account.user_id,
            body,
            self._clock.now_ms(),
            command.client_id,
            countable=True,
        )
        entry = (await self._log.commit(Commit((append,))))[0]
        return Ack(entry.seq, entry.ordinal, entry.sent_at_ms)

    async def _add(self, actor: Actor, group: Group, user_ids: list[UserId]) -> Changed:
        others = tuple(user_id for user_id in user_ids if user_id != group.owner_id)
        if not others:
            return Changed(group.conversation_id, ())
        add = AddMembers(conversation_id=group.conversation_id, user_ids=others)
        added = await self._caller.call(_acting(actor, group.owner_id), add)
        not_added: tuple[NotAdded, ...] = added.not_added
        return Changed(group.conversation_id, added.added, not_added)

    async def _find(self, external_id: str) -> Group | None:
        found = await self._records.scan(Group, external_id, by="external", limit=1)
        return found[0] if found else None

    async def _group(self, external_id: str) -> Group:
        group = await self._find(external_id)
        if group is None:
            raise NoSuchConversation
        return group

    async def _bound(
        self, group: Group, created: bool = False, not_added: tuple[NotAdded, ...] = ()
    ) -> BoundConversation:
        member_count = await self._records.get(MemberCount, group.conversation_id)
        return BoundConversation(
            group.external_id or "",
            group.conversation_id,
            group.owner_id,
            group.name,
            member_count.member_count if member_count is not None else 0,
            created,
            not_added,
        )


def _acting(actor: Actor, user_id: UserId) -> Actor:
    """Return the app server in the owner's place: it answers for its users' privacy."""
    return Actor(user_id, DeviceId(""), True, actor.address, actor.key_id, actor.scopes)
