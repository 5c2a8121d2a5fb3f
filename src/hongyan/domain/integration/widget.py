"""A widget's conversation: a host's object, a person, or whom the host vouches for."""

from hongyan.domain.conversation.commands import GetConversation, OpenDirect
from hongyan.domain.conversation.model import Conversation
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.ports import Records
from hongyan.domain.user.commands import NoSuchUser
from hongyan.domain.user.commands_login_tokens import ReadLoginToken
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor, Caller, handles
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import UserId

from .commands_app import NoSuchConversation
from .commands_widget import OpenWidget


class Widget:
    """Answers ``widget.open``.

    Args:
        caller: Reaches the conversation and user services.
        records: Where rows are read.
    """

    def __init__(self, caller: Caller, records: Records) -> None:
        self._caller = caller
        self._records = records

    @handles(OpenWidget)
    async def open(self, actor: Actor, command: OpenWidget) -> Conversation:
        """See ``OpenWidget``."""
        given = (command.external_id, command.handle, command.login_token)
        if sum(bool(one) for one in given) != 1:
            raise Invalid("Give one of external_id, handle and login_token.")
        if command.external_id:
            return await self._bound(actor, command.external_id)
        peer_id = await self._peer(actor, command)
        return await self._caller.call(actor, OpenDirect(user_id=peer_id))

    async def _bound(self, actor: Actor, external_id: str) -> Conversation:
        """Return the group of an object; whoever is not in it learns nothing of it."""
        found = await self._records.scan(Group, external_id, by="external", limit=1)
        if not found:
            raise NoSuchConversation
        conversation_id = found[0].conversation_id
        place = await self._records.get(Member, conversation_id, actor.user_id)
        if place is None or not place.active:
            raise NoSuchConversation
        return await self._caller.call(actor, GetConversation(conversation_id=conversation_id))

    async def _peer(self, actor: Actor, command: OpenWidget) -> UserId:
        if command.handle:
            handle = command.handle.removeprefix("@").lower()
            found = await self._records.scan(User, handle, by="handle", limit=1)
            if not found or not found[0].privacy.found_by_handle or found[0].state != "active":
                raise NoSuchUser
            return found[0].user_id
        peer_id = await self._caller.call(actor, ReadLoginToken(login_token=command.login_token))
        if not peer_id:
            raise Invalid("This login token was minted without a peer.")
        return peer_id
