"""What changes in a group holds for the very next message, though judgements are cached."""

import itertools

import pytest

from hongyan.domain.group.api import (
    Dissolved,
    DissolveGroup,
    NotAMember,
    TransferGroup,
    UpdateGroup,
)
from hongyan.domain.group.joining_api import JoinGroup
from hongyan.domain.group.members_api import BanMember, KickMembers, LeaveGroup, MuteMember
from hongyan.domain.group.model import Member
from hongyan.domain.message.api import Muted, SendMessage
from hongyan.domain.message.model import Text
from hongyan.domain.message.rooms import Rooms
from hongyan.domain.message.send import Sending
from hongyan.domain.relation.api import Blocked as RequestBlocked
from hongyan.domain.relation.api import BlockPerson, RequestFriend, UnblockPerson
from hongyan.domain.relation.service import RelationService
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Forbidden
from hongyan.kernel.ids import direct_id


class NoMentions:
    async def changes_for(self, room, content):
        return ()


@pytest.fixture
def send(world):
    sending = Sending(
        world.store, world.store, world.clock, Rooms(world.store, world.store), NoMentions()
    )
    numbers = itertools.count()

    async def call(who, where):
        command = SendMessage(
            conversation_id=where, client_id=f"m{next(numbers)}", content=Text("hi")
        )
        return await sending.send(Actor(who, "v"), command)

    return call


@pytest.mark.parametrize(
    ("who", "command", "fields", "refusal"),
    [
        ("adam", LeaveGroup, {}, NotAMember),
        ("olga", KickMembers, {"user_ids": ("adam",)}, NotAMember),
        ("olga", BanMember, {"user_id": "adam"}, NotAMember),
        ("olga", MuteMember, {"user_id": "adam", "until_ms": -1}, Muted),
        ("olga", UpdateGroup, {"muted_all": True}, Muted),
        ("olga", DissolveGroup, {}, Dissolved),
    ],
)
async def test_who_may_no_more_speak_cannot(world, send, who, command, fields, refusal):
    group = await world.group("adam", join_policy="free")
    await send("adam", group)
    await world.call(who, command(conversation_id=group, **fields))
    with pytest.raises(refusal):
        await send("adam", group)


async def test_who_may_speak_again_can(world, send):
    group = await world.group("adam", join_policy="free")
    await world.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=-1))
    with pytest.raises(Muted):
        await send("adam", group)
    await world.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=0))
    await send("adam", group)
    await world.call("adam", LeaveGroup(conversation_id=group))
    with pytest.raises(NotAMember):
        await send("adam", group)
    await world.call("adam", JoinGroup(conversation_id=group))
    await send("adam", group)


async def test_a_new_owner_speaks_though_everybody_is_muted(world, send):
    group = await world.group("adam")
    await world.call("olga", UpdateGroup(conversation_id=group, muted_all=True))
    with pytest.raises(Muted):
        await send("adam", group)
    await world.call("olga", TransferGroup(conversation_id=group, user_id="adam"))
    await send("adam", group)


async def test_a_block_holds_for_the_next_direct_message(world, send):
    relations = RelationService(world.store, world.store, world.clock)
    mia, max_ = Actor("mia", "v"), Actor("max", "v")
    chat = direct_id("mia", "max")
    await world.put(*(Member(conversation_id=chat, user_id=who) for who in ("mia", "max")))
    await send("max", chat)
    await relations.block(mia, BlockPerson(user_id="max"))
    with pytest.raises(Forbidden):
        await send("max", chat)
    with pytest.raises(RequestBlocked):
        await relations.request(max_, RequestFriend(user_id="mia"))
    await relations.unblock(mia, UnblockPerson(user_id="max"))
    await send("max", chat)
