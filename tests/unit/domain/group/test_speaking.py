"""What changes in a group holds for the very next message, though judgements are cached."""

import itertools

import pytest

from hongyan.domain.group.commands import (
    Dissolved,
    DissolveGroup,
    NotAMember,
    TransferGroup,
    UpdateGroup,
)
from hongyan.domain.group.commands_joining import JoinGroup
from hongyan.domain.group.commands_members import (
    BanMember,
    KickMembers,
    LeaveGroup,
    MuteMember,
)
from hongyan.domain.group.model import Member
from hongyan.domain.message.commands import Muted, SendMessage
from hongyan.domain.message.model import Text
from hongyan.domain.message.send import Sending
from hongyan.domain.message.send_contexts import SendContexts
from hongyan.domain.relation.commands import Blocked as RequestBlocked
from hongyan.domain.relation.commands import BlockPerson, RequestFriend, UnblockPerson
from hongyan.domain.relation.relations import RelationService
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Forbidden
from hongyan.kernel.ids import direct_id


class NoMentions:
    async def changes_for(self, room, content):
        return ()


@pytest.fixture
def send(harness):
    sending = Sending(
        harness.store,
        harness.store,
        harness.clock,
        SendContexts(harness.store, harness.store),
        NoMentions(),
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
async def test_who_may_no_more_speak_cannot(harness, send, who, command, fields, refusal):
    group = await harness.group("adam", join_policy="free")
    await send("adam", group)
    await harness.call(who, command(conversation_id=group, **fields))
    with pytest.raises(refusal):
        await send("adam", group)


async def test_who_may_speak_again_can(harness, send):
    group = await harness.group("adam", join_policy="free")
    await harness.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=-1))
    with pytest.raises(Muted):
        await send("adam", group)
    await harness.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=0))
    await send("adam", group)
    await harness.call("adam", LeaveGroup(conversation_id=group))
    with pytest.raises(NotAMember):
        await send("adam", group)
    await harness.call("adam", JoinGroup(conversation_id=group))
    await send("adam", group)


async def test_a_new_owner_speaks_though_everybody_is_muted(harness, send):
    group = await harness.group("adam")
    await harness.call("olga", UpdateGroup(conversation_id=group, muted_all=True))
    with pytest.raises(Muted):
        await send("adam", group)
    await harness.call("olga", TransferGroup(conversation_id=group, user_id="adam"))
    await send("adam", group)


async def test_a_block_holds_for_the_next_direct_message(harness, send):
    relations = RelationService(harness.store, harness.store, harness.clock)
    mia, max_ = Actor("mia", "v"), Actor("max", "v")
    chat = direct_id("mia", "max")
    await harness.put(*(Member(conversation_id=chat, user_id=who) for who in ("mia", "max")))
    await send("max", chat)
    await relations.block(mia, BlockPerson(user_id="max"))
    with pytest.raises(Forbidden):
        await send("max", chat)
    with pytest.raises(RequestBlocked):
        await relations.request(max_, RequestFriend(user_id="mia"))
    await relations.unblock(mia, UnblockPerson(user_id="max"))
    await send("max", chat)
