"""Editing: versions, revisions, mentions, and who may."""

import asyncio

import pytest
from msgspec import structs

from hongyan.domain.conversation.model import Mention
from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Commit, Drop
from hongyan.domain.message.commands import (
    EditedMeanwhile,
    EditMessage,
    GetMessage,
    Gone,
    ListRevisions,
    MayNotSpeak,
    Muted,
    NotEditable,
    RecallMessage,
    TooLate,
    TooLong,
)
from hongyan.domain.message.model import (
    MESSAGE_EDITED,
    Entity,
    Image,
    Poll,
    Sticker,
    Text,
    decode_body,
)
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.visibility.model import HiddenMessage, Preference
from hongyan.kernel.errors import Forbidden, LimitReached, NotFound

HOUR_MS = 3600 * 1000


def edit(where, seq, content="new", **more):
    content = Text(content) if isinstance(content, str) else content
    return EditMessage(conversation_id=where, seq=seq, content=content, **more)


def mention(*people, kind="mention"):
    return Text("@" * 9, tuple(Entity(kind, 0, 1, user_id=who) for who in people))


async def mentioned(chat):
    rows = await chat.store.scan(Mention)
    return {(row.user_id, row.seq) for row in rows}


async def test_an_edit_rewrites_the_message_and_tells_it(chat):
    seq = await chat.send(chat.carol, chat.team, "old")
    chat.clock.advance(1000)
    answer = await chat.do(chat.carol, edit(chat.team, seq))
    assert (answer.entry_seq, answer.version) == (seq + 1, 2)
    body = await chat.body(chat.team, seq)
    assert (body.content.text, body.version) == ("new", 2)
    assert body.edited_at_ms == chat.clock.now_ms() == answer.edited_at_ms
    assert await chat.told(chat.team, MESSAGE_EDITED) == [
        (
            chat.carol,
            {
                "seq": seq,
                "version": 2,
                "edited_at_ms": body.edited_at_ms,
                "content": {"type": "text", "text": "new"},
            },
        )
    ]


async def test_earlier_versions_are_kept_as_revisions_and_nowhere_else(chat):
    seq = await chat.send(chat.carol, chat.team, "one")
    sent_ms = chat.clock.now_ms()
    for text in ("two", "three"):
        chat.clock.advance(10)
        await chat.do(chat.carol, edit(chat.team, seq, text))
    found = await chat.do(chat.dave, ListRevisions(conversation_id=chat.team, seq=seq))
    assert [(r.version, r.content.text, r.since_ms - sent_ms) for r in found.revisions] == [
        (1, "one", 0),
        (2, "two", 10),
    ]
    log = await chat.everything(chat.team)
    assert "three" in log
    assert "one" not in log
    assert "two" not in log


async def test_two_edits_at_once_lose_no_revision(chat):
    seq = await chat.send(chat.carol, chat.team, "0")
    workers = (chat, chat.another_worker())
    edits = [workers[n % 2].do(chat.carol, edit(chat.team, seq, str(n))) for n in range(1, 13)]
    versions = [answer.version for answer in await asyncio.gather(*edits)]
    assert sorted(versions) == list(range(2, 14))
    found = await chat.do(chat.carol, ListRevisions(conversation_id=chat.team, seq=seq))
    said = [r.content.text for r in found.revisions]
    last = (await chat.body(chat.team, seq)).content.text
    assert sorted([*said, last], key=int) == [str(n) for n in range(13)]


async def test_only_the_expected_version_is_edited_and_a_retry_finds_its_work(chat):
    seq = await chat.send(chat.carol, chat.team)
    first = edit(chat.team, seq, "mine", expected_version=1)
    await chat.do(chat.carol, first)
    again = await chat.do(chat.carol, first)
    assert (again.entry_seq, again.version) == (0, 2)
    with pytest.raises(EditedMeanwhile) as refused:
        await chat.do(chat.carol, edit(chat.team, seq, "other", expected_version=1))
    assert refused.value.details == {"version": 2}


async def test_others_and_latecomers_may_not_edit(chat):
    seq = await chat.send(chat.carol, chat.team)
    with pytest.raises(Forbidden):
        await chat.do(chat.alice, edit(chat.team, seq))
    chat.clock.advance(24 * HOUR_MS)
    await chat.do(chat.carol, edit(chat.team, seq))
    chat.clock.advance(1)
    with pytest.raises(TooLate):
        await chat.do(chat.carol, edit(chat.team, seq, "later"))


async def test_the_rules_of_sending_hold_for_edits(chat):
    seq = await chat.send(chat.carol, chat.team)
    with pytest.raises(TooLong):
        await chat.do(chat.carol, edit(chat.team, seq, "x" * 20_000))
    muted = Member(conversation_id=chat.team, user_id=chat.carol, muted_until_ms=-1)
    await chat.put(muted, bump=[chat.team])
    with pytest.raises(Muted):
        await chat.do(chat.carol, edit(chat.team, seq))


async def test_a_gate_judges_edits_too(chat):
    asked = []

    class NoShouting:
        async def judge(self, actor, command, edits_seq=0):
            asked.append((actor.user_id, command.client_id, edits_seq))
            return Text(command.content.text.lower())

    class NoPoliteness:
        async def judge(self, actor, command, edits_seq=0):
            return Text(command.content.text.removesuffix(" please"))

    chat.build(gates=(NoShouting(), NoPoliteness()))
    seq = await chat.send(chat.carol, chat.team, client_id="mine")
    await chat.do(chat.carol, edit(chat.team, seq, "LOUD PLEASE"))
    assert (await chat.body(chat.team, seq)).content.text == "loud"
    assert asked == [(chat.carol, "mine", seq)]


async def test_a_gate_changes_words_and_no_files(chat):
    class Swapping:
        async def judge(self, actor, command, edits_seq=0):
            if command.content.caption == "text":
                return Text("no picture at all")
            return Image(media_id="m2", caption="tamed", width=9)

    seq = await chat.send(chat.carol, chat.team, Image(media_id="m1", caption="a"))
    chat.build(gates=(Swapping(),))
    for caption in ("b", "text"):
        command = edit(chat.team, seq, Image(media_id="m1", caption=caption))
        with pytest.raises(NotEditable):
            await chat.do(chat.carol, command)
    assert (await chat.body(chat.team, seq)).content == Image(media_id="m1", caption="a")


async def test_texts_and_captions_only(chat):
    seq = await chat.send(chat.carol, chat.team, Image(media_id="m1", caption="a"))
    await chat.do(chat.carol, edit(chat.team, seq, Image(media_id="m1", caption="b")))
    assert (await chat.body(chat.team, seq)).content.caption == "b"
    for other in (Image(media_id="m2"), Text("now a text")):
        with pytest.raises(NotEditable):
            await chat.do(chat.carol, edit(chat.team, seq, other))
    for content in (Sticker(emoji="👍"), Poll("?", ("a", "b"))):
        fixed = await chat.send(chat.carol, chat.team, content)
        with pytest.raises(NotEditable):
            await chat.do(chat.carol, edit(chat.team, fixed))


async def test_an_ended_message_is_not_edited_and_a_hundred_edits_are_enough(chat):
    seq = await chat.send(chat.carol, chat.team, "0")
    for n in range(1, 101):
        await chat.do(chat.carol, edit(chat.team, seq, str(n)))
    with pytest.raises(LimitReached):
        await chat.do(chat.carol, edit(chat.team, seq, "one more"))
    await chat.do(chat.carol, RecallMessage(conversation_id=chat.team, seq=seq))
    with pytest.raises(Gone):
        await chat.do(chat.carol, edit(chat.team, seq))


@pytest.mark.parametrize(
    ("viewers", "allowed"),
    [
        ("everyone", {"alice", "bob", "carol", "dave"}),
        ("admins", {"alice", "bob", "carol"}),
        ("nobody", {"carol"}),
    ],
)
async def test_who_sees_revisions_is_a_policy(chat, viewers, allowed):
    chat.build(viewers=viewers)
    seq = await chat.send(chat.carol, chat.team, "old")
    await chat.do(chat.carol, edit(chat.team, seq))
    seen = set()
    for who in (chat.alice, chat.bob, chat.carol, chat.dave):
        try:
            await chat.do(who, ListRevisions(conversation_id=chat.team, seq=seq))
            seen.add(who)
        except Forbidden:
            pass
    assert seen == allowed


async def test_mentions_follow_the_text(chat):
    seq = await chat.send(chat.alice, chat.team, mention("bob", "carol", "stranger", "alice"))
    assert await mentioned(chat) == {("bob", seq), ("carol", seq)}
    await chat.do(chat.alice, edit(chat.team, seq, mention("carol", "dave")))
    assert await mentioned(chat) == {("carol", seq), ("dave", seq)}
    await chat.do(chat.alice, edit(chat.team, seq, "nobody"))
    assert await mentioned(chat) == set()


async def test_who_has_read_a_mention_is_not_called_again_by_an_edit(chat):
    seq = await chat.send(chat.alice, chat.team, mention("bob"))
    await chat.store.commit(Commit(changes=(Drop(Mention, ("bob", chat.team, seq)),)))
    await chat.do(chat.alice, edit(chat.team, seq, mention("bob", "carol")))
    assert await mentioned(chat) == {("carol", seq)}


async def test_admins_are_mentioned_together(chat):
    seq = await chat.send(chat.carol, chat.team, mention("", kind="mention_admins"))
    assert await mentioned(chat) == {("alice", seq), ("bob", seq)}


async def test_mentioning_everybody_is_remembered_by_the_group(chat):
    everybody = mention("", kind="mention_all")
    with pytest.raises(MayNotSpeak):
        await chat.send(chat.carol, chat.team, everybody)
    seqs = [await chat.send(chat.bob, chat.team, everybody) for _ in range(22)]
    group = await chat.store.get(Group, chat.team)
    assert group.mention_all_seqs == tuple(seqs[2:])
    await chat.do(chat.bob, edit(chat.team, seqs[5], "never mind"))
    plain = await chat.send(chat.bob, chat.team)
    await chat.do(chat.bob, edit(chat.team, plain, everybody))
    group = await chat.store.get(Group, chat.team)
    assert group.mention_all_seqs == (*seqs[2:5], *seqs[6:], plain)
    seq = await chat.send(chat.carol, chat.team)
    with pytest.raises(MayNotSpeak):
        await chat.do(chat.carol, edit(chat.team, seq, everybody))


async def test_too_many_mentions_are_refused(chat):
    with pytest.raises(LimitReached):
        await chat.send(chat.alice, chat.team, mention(*(f"u{n}" for n in range(51))))


async def test_one_message_is_shown_to_who_may_see_it(chat):
    seq = await chat.send(chat.alice, chat.team, "hello")
    get = GetMessage(conversation_id=chat.team, seq=seq)
    assert decode_body(await chat.do(chat.bob, get)).content.text == "hello"
    with pytest.raises(NotAMember):
        await chat.do("stranger", get)
    with pytest.raises(NotFound):
        await chat.do(chat.bob, structs.replace(get, seq=seq + 1))
    await chat.put(
        HiddenMessage(user_id="bob", conversation_id=chat.team, seq=seq),
        Preference(user_id="carol", conversation_id=chat.team, cleared_seq=seq),
        Member(conversation_id=chat.team, user_id="dave", visible_from=seq + 1),
        bump=[chat.team],
    )
    for who in ("bob", "carol", "dave"):
        with pytest.raises(NotFound):
            await chat.do(who, get)
    assert (await chat.do(chat.alice, get)).seq == seq


async def test_who_has_left_sees_nothing_although_the_room_was_known(chat):
    seq = await chat.send(chat.alice, chat.team)
    get = GetMessage(conversation_id=chat.team, seq=seq)
    await chat.do(chat.dave, get)
    gone = Member(conversation_id=chat.team, user_id="dave", active=False)
    await chat.put(gone, bump=[chat.team])
    with pytest.raises(NotAMember):
        await chat.do(chat.dave, get)


async def test_an_edit_is_seen_by_those_who_see_the_message(chat):
    """Newcomers without history are told of no edit of what stood there before them."""
    seq = await chat.send(chat.carol, chat.team, "old")
    newcomer = Member(conversation_id=chat.team, user_id="dave", visible_from=seq + 1)
    await chat.put(newcomer, bump=(chat.team,))
    await chat.do(chat.carol, edit(chat.team, seq, "secret"))
    (told,) = await chat.store.read(chat.team, seq + 1, seq + 1, 1, kinds=(MESSAGE_EDITED,))
    assert b"secret" in bytes(told.body)
    visibility = visibility_of(chat.store)
    assert await visibility.viewers(told, ["alice", "bob", "carol", "dave"]) == {
        *("alice", "bob", "carol"),
    }
    assert await visibility.visible("dave", [told]) == []
    assert await visibility.visible("bob", [told]) == [told]
