"""What is too old goes, for everybody and everywhere, and never more than that."""

import asyncio

import msgspec
import pytest

from hongyan.domain.conversation.commands import GetConversation, GetHistory, OpenDirect, Sync
from hongyan.domain.conversation.model import CONVERSATION_TRIMMED, Mention
from hongyan.domain.group.commands import CreateGroup, RoleTooLow, UpdateGroup
from hongyan.domain.group.model import Group
from hongyan.domain.message import trim
from hongyan.domain.message.commands import EditMessage, GetMessage, RecallMessage, SendMessage
from hongyan.domain.message.commands_metadata import KeepFavourite, PinMessage, React
from hongyan.domain.message.model import Entity, Text
from hongyan.domain.message.rows import Favourite, MessageMetadata, Reaction, Revision
from hongyan.domain.visibility.model import Trim
from hongyan.kernel.errors import Invalid, NotFound

from .conftest import Harness

DAY_MS = 86_400_000


async def group_of(harness: Harness, days: int = 30) -> str:
    await harness.add("li", "wang")
    made = await harness.do("li", CreateGroup(client_id="1", name="Tea", user_ids=("wang",)))
    group_id = str(made.conversation_id)
    await harness.do("li", UpdateGroup(conversation_id=group_id, retention_days=days))
    return group_id


async def everything(harness: Harness, where: str) -> str:
    entries = await harness.store.read(where, 1, 10_000, 10_000)
    return b"\n".join(bytes(entry.body) for entry in entries).decode()


async def texts(harness: Harness, who: str, where: str) -> list[str]:
    history = await harness.do(
        who, GetHistory(conversation_id=where, limit=200, only_messages=True)
    )
    return [msgspec.json.decode(entry.body)["content"]["text"] for entry in history.entries]


async def test_only_admins_set_the_time(harness: Harness) -> None:
    group_id = await group_of(harness)
    assert (await harness.store.get(Group, group_id)).retention_days == 30
    with pytest.raises(RoleTooLow):
        await harness.do("wang", UpdateGroup(conversation_id=group_id, retention_days=1))
    with pytest.raises(Invalid):
        await harness.do("li", UpdateGroup(conversation_id=group_id, retention_days=-1))


async def test_what_is_old_is_gone_and_what_is_new_stays(harness: Harness) -> None:
    group_id = await group_of(harness)
    mention = (Entity("mention_all", 0, 4),)
    first = await harness.say("li", group_id, "old secret")
    await harness.do(
        "li", EditMessage(conversation_id=group_id, seq=first, content=Text("old word"))
    )
    await harness.do("wang", React(conversation_id=group_id, seq=first, emoji="👍"))
    await harness.do("wang", KeepFavourite(conversation_id=group_id, seq=first))
    await harness.do("li", PinMessage(conversation_id=group_id, seq=first))
    await harness.do("li", _send_all(group_id, mention))
    harness.clock.advance(20 * DAY_MS)
    await harness.say("li", group_id, "fresh")
    assert (await harness.do("wang", GetConversation(conversation_id=group_id))).unread == 3
    harness.clock.advance(11 * DAY_MS)
    assert await harness.run("Trimming") == 1
    left = await everything(harness, group_id)
    assert "old" not in left
    assert "everybody" not in left
    assert await texts(harness, "wang", group_id) == ["fresh"]
    for row in (Reaction, MessageMetadata, Favourite, Revision, Mention):
        assert await harness.store.count(row) == 0, row
    seen = await harness.do("wang", GetConversation(conversation_id=group_id))
    assert (seen.unread, seen.mentions) == (1, 0)
    assert (await harness.store.get(Group, group_id)).mention_all_seqs == ()
    with pytest.raises(NotFound):
        await harness.do("wang", GetMessage(conversation_id=group_id, seq=first))
    with pytest.raises(NotFound):
        await harness.do("li", RecallMessage(conversation_id=group_id, seq=first))


def _send_all(group_id: str, entities: tuple[Entity, ...]) -> SendMessage:
    text = Text("@all everybody", entities)
    return SendMessage(conversation_id=group_id, client_id="all", content=text)


async def test_devices_are_told_once_a_day_at_most(harness: Harness) -> None:
    group_id = await group_of(harness, days=1)
    seq = await harness.say("li", group_id)
    harness.clock.advance(3 * DAY_MS)
    for _ in range(5):
        await harness.run("Trimming")
        harness.clock.advance(2 * 3_600_000)
    told = await harness.store.read(group_id, 1, 1000, 1000, kinds=(CONVERSATION_TRIMMED,))
    assert [msgspec.json.decode(entry.body) for entry in told] == [{"up_to_seq": seq}]
    synced = await harness.do("wang", Sync(known={group_id: seq}))
    (one,) = synced.conversations
    assert one.conversation.preference.cleared_seq == seq
    assert [entry.kind for entry in one.entries] == [CONVERSATION_TRIMMED]
    harness.clock.advance(30 * DAY_MS)
    await harness.run("Trimming")
    again = await harness.store.read(group_id, 1, 1000, 1000, kinds=(CONVERSATION_TRIMMED,))
    assert len(again) == 1, "the end of an old notice is no news"


async def test_seqs_and_client_ids_stay(harness: Harness) -> None:
    group_id = await group_of(harness, days=1)
    seq = await harness.say("li", group_id)
    head = (await harness.store.states([group_id]))[group_id]
    harness.clock.advance(5 * DAY_MS)
    await harness.run("Trimming")
    harness.sent -= 1
    assert await harness.say("li", group_id) == seq, "a repeat is still known"
    entries = await harness.store.read(group_id, 1, 1000, 1000)
    assert [entry.seq for entry in entries] == list(range(1, head.seq + 2))


async def test_the_servers_time_holds_for_all_conversations(harness: Harness) -> None:
    group_id = await group_of(harness, days=90)
    direct = str((await harness.do("li", OpenDirect(user_id="wang"))).conversation_id)
    await harness.say("li", group_id, "in the group")
    await harness.say("li", direct, "between us")
    harness.clock.advance(8 * DAY_MS)
    assert await harness.run("Trimming") == 1, "the group alone; nothing is old there"
    assert await texts(harness, "wang", direct) == ["between us"]
    harness.retention_days = 7
    await harness.services.close()
    harness.build()
    assert await harness.run("Trimming") == 2
    assert await texts(harness, "wang", direct) == []
    assert await texts(harness, "wang", group_id) == []


async def test_batches_and_a_restart_between_them(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trim, "BATCH", 7)
    group_id = await group_of(harness, days=1)
    for number in range(30):
        await harness.say("li", group_id, f"word {number}")
    harness.clock.advance(4 * DAY_MS)
    await harness.say("li", group_id, "today")
    commit, commits = harness.store.commit, 0

    async def failing(change: object) -> object:
        nonlocal commits
        commits += 1
        if commits == 3:
            raise asyncio.CancelledError
        return await commit(change)

    monkeypatch.setattr(harness.store, "commit", failing)
    with pytest.raises(asyncio.CancelledError):
        await harness.run("Trimming")
    kept = await harness.store.get(Trim, group_id)
    assert 0 < kept.looked_seq < 30
    await harness.services.close()
    harness.build()
    await harness.run("Trimming")
    assert await texts(harness, "wang", group_id) == ["today"]
    assert "word" not in await everything(harness, group_id)
    told = await harness.store.read(group_id, 1, 1000, 1000, kinds=(CONVERSATION_TRIMMED,))
    assert len(told) == 1
