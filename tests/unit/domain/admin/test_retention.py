"""What is too old goes, for everybody and everywhere, and never more than that."""

import asyncio

import msgspec
import pytest

from hongyan.domain.conversation.api import GetConversation, GetHistory, OpenDirect, Sync
from hongyan.domain.conversation.model import CONVERSATION_TRIMMED, Mention, Trim
from hongyan.domain.group.api import CreateGroup, RoleTooLow, UpdateGroup
from hongyan.domain.group.model import Group
from hongyan.domain.message import trim
from hongyan.domain.message.api import EditMessage, GetMessage, RecallMessage, SendMessage
from hongyan.domain.message.marks_api import KeepFavourite, PinMessage, React
from hongyan.domain.message.model import Entity, Text
from hongyan.domain.message.rows import Favourite, Marks, Reaction, Revision
from hongyan.kernel.errors import Invalid, NotFound

from .conftest import House

DAY_MS = 86_400_000


async def group_of(house: House, days: int = 30) -> str:
    await house.add("li", "wang")
    made = await house.do("li", CreateGroup(client_id="1", name="Tea", user_ids=("wang",)))
    group_id = str(made.conversation_id)
    await house.do("li", UpdateGroup(conversation_id=group_id, retention_days=days))
    return group_id


async def everything(house: House, where: str) -> str:
    entries = await house.store.read(where, 1, 10_000, 10_000)
    return b"\n".join(bytes(entry.body) for entry in entries).decode()


async def texts(house: House, who: str, where: str) -> list[str]:
    history = await house.do(who, GetHistory(conversation_id=where, limit=200, only_messages=True))
    return [msgspec.json.decode(entry.body)["content"]["text"] for entry in history.entries]


async def test_only_admins_set_the_time(house: House) -> None:
    group_id = await group_of(house)
    assert (await house.store.get(Group, group_id)).retention_days == 30
    with pytest.raises(RoleTooLow):
        await house.do("wang", UpdateGroup(conversation_id=group_id, retention_days=1))
    with pytest.raises(Invalid):
        await house.do("li", UpdateGroup(conversation_id=group_id, retention_days=-1))


async def test_what_is_old_is_gone_and_what_is_new_stays(house: House) -> None:
    group_id = await group_of(house)
    mention = (Entity("mention_all", 0, 4),)
    first = await house.say("li", group_id, "old secret")
    await house.do("li", EditMessage(conversation_id=group_id, seq=first, content=Text("old word")))
    await house.do("wang", React(conversation_id=group_id, seq=first, emoji="👍"))
    await house.do("wang", KeepFavourite(conversation_id=group_id, seq=first))
    await house.do("li", PinMessage(conversation_id=group_id, seq=first))
    await house.do("li", _send_all(group_id, mention))
    house.clock.advance(20 * DAY_MS)
    await house.say("li", group_id, "fresh")
    assert (await house.do("wang", GetConversation(conversation_id=group_id))).unread == 3
    house.clock.advance(11 * DAY_MS)
    assert await house.tick("Trimming") == 1
    left = await everything(house, group_id)
    assert "old" not in left
    assert "everybody" not in left
    assert await texts(house, "wang", group_id) == ["fresh"]
    for row in (Reaction, Marks, Favourite, Revision, Mention):
        assert await house.store.count(row) == 0, row
    seen = await house.do("wang", GetConversation(conversation_id=group_id))
    assert (seen.unread, seen.mentions) == (1, 0)
    assert (await house.store.get(Group, group_id)).mention_all_seqs == ()
    with pytest.raises(NotFound):
        await house.do("wang", GetMessage(conversation_id=group_id, seq=first))
    with pytest.raises(NotFound):
        await house.do("li", RecallMessage(conversation_id=group_id, seq=first))


def _send_all(group_id: str, entities: tuple[Entity, ...]) -> SendMessage:
    text = Text("@all everybody", entities)
    return SendMessage(conversation_id=group_id, client_id="all", content=text)


async def test_devices_are_told_once_a_day_at_most(house: House) -> None:
    group_id = await group_of(house, days=1)
    seq = await house.say("li", group_id)
    house.clock.advance(3 * DAY_MS)
    for _ in range(5):
        await house.tick("Trimming")
        house.clock.advance(2 * 3_600_000)
    told = await house.store.read(group_id, 1, 1000, 1000, kinds=(CONVERSATION_TRIMMED,))
    assert [msgspec.json.decode(entry.body) for entry in told] == [{"up_to_seq": seq}]
    synced = await house.do("wang", Sync(known={group_id: seq}))
    (one,) = synced.conversations
    assert one.conversation.preference.cleared_seq == seq
    assert [entry.kind for entry in one.entries] == [CONVERSATION_TRIMMED]
    house.clock.advance(30 * DAY_MS)
    await house.tick("Trimming")
    again = await house.store.read(group_id, 1, 1000, 1000, kinds=(CONVERSATION_TRIMMED,))
    assert len(again) == 1, "the end of an old notice is no news"


async def test_seqs_and_client_ids_stay(house: House) -> None:
    group_id = await group_of(house, days=1)
    seq = await house.say("li", group_id)
    head = (await house.store.heads([group_id]))[group_id]
    house.clock.advance(5 * DAY_MS)
    await house.tick("Trimming")
    house.sent -= 1
    assert await house.say("li", group_id) == seq, "a repeat is still known"
    entries = await house.store.read(group_id, 1, 1000, 1000)
    assert [entry.seq for entry in entries] == list(range(1, head.seq + 2))


async def test_the_servers_time_holds_for_all_conversations(house: House) -> None:
    group_id = await group_of(house, days=90)
    direct = str((await house.do("li", OpenDirect(user_id="wang"))).conversation_id)
    await house.say("li", group_id, "in the group")
    await house.say("li", direct, "between us")
    house.clock.advance(8 * DAY_MS)
    assert await house.tick("Trimming") == 1, "the group alone; nothing is old there"
    assert await texts(house, "wang", direct) == ["between us"]
    house.retention_days = 7
    await house.services.close()
    house.build()
    assert await house.tick("Trimming") == 2
    assert await texts(house, "wang", direct) == []
    assert await texts(house, "wang", group_id) == []


async def test_batches_and_a_restart_between_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trim, "BATCH", 7)
    group_id = await group_of(house, days=1)
    for number in range(30):
        await house.say("li", group_id, f"word {number}")
    house.clock.advance(4 * DAY_MS)
    await house.say("li", group_id, "today")
    commit, commits = house.store.commit, 0

    async def failing(change: object) -> object:
        nonlocal commits
        commits += 1
        if commits == 3:
            raise asyncio.CancelledError
        return await commit(change)

    monkeypatch.setattr(house.store, "commit", failing)
    with pytest.raises(asyncio.CancelledError):
        await house.tick("Trimming")
    kept = await house.store.get(Trim, group_id)
    assert 0 < kept.looked_seq < 30
    await house.services.close()
    house.build()
    await house.tick("Trimming")
    assert await texts(house, "wang", group_id) == ["today"]
    assert "word" not in await everything(house, group_id)
    told = await house.store.read(group_id, 1, 1000, 1000, kinds=(CONVERSATION_TRIMMED,))
    assert len(told) == 1
