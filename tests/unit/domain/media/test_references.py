"""Who may read a file because of where it is shown, and when it goes."""

import msgspec
import pytest

from hongyan.domain.log.model import Commit, Put, VersionConflict
from hongyan.domain.media.commands import ForgetMedia, GetMedia, GetUsage, NoSuchMedia
from hongyan.domain.media.model import MediaCheck, MediaItem, MediaReference
from hongyan.domain.message.commands import (
    ForwardMessages,
    RecallMessage,
    ScheduleMessage,
    SendMessage,
    UnscheduleMessage,
)
from hongyan.domain.message.model import (
    Custom,
    File,
    ForwardedMessage,
    Image,
    MergedForward,
    MessageBody,
    Sticker,
    Video,
)
from hongyan.kernel.errors import Invalid, LimitReached

DAY_MS = 24 * 3600 * 1000


async def body(harness, where, seq):
    (entry,) = await harness.store.read(where, seq, seq, 1)
    return msgspec.json.decode(entry.body, type=MessageBody).content


async def test_what_is_said_of_a_file_is_made_true(harness):
    media_id = await harness.upload(harness.alice, b"image/png|cat", "cat.png")
    await harness.processing.run(0)
    lie = Image(
        media_id=media_id, mime="text/html", size_bytes=1, width=9, height=9, caption="look"
    )
    seq = await harness.show(harness.alice, harness.direct, media_id, content=lie)
    told = await body(harness, harness.direct, seq)
    assert (told.mime, told.size_bytes, told.width, told.height) == ("image/png", 13, 4, 3)
    assert told.caption == "look"


async def test_nobody_shows_what_they_cannot_read(harness):
    media_id = await harness.upload(harness.alice)
    for content in (
        File(media_id=media_id),
        Sticker(media_id=media_id),
        File(media_id="nothing"),
        MergedForward(
            "t", (ForwardedMessage("x", "X", 1, {"type": "file", "media_id": media_id}),)
        ),
    ):
        with pytest.raises(NoSuchMedia):
            await harness.show(harness.bob, harness.direct, "", content=content)
    mine = await harness.upload(harness.bob)
    video = Video(media_id=mine, poster_id=media_id)
    with pytest.raises(NoSuchMedia):
        await harness.show(harness.bob, harness.direct, "", content=video)
    assert await harness.store.count(MediaReference) == 0


async def test_a_merged_forward_carries_its_files(harness):
    media_id = await harness.upload(harness.alice, b"text/plain|deep")
    inner = {"type": "file", "media_id": media_id, "size_bytes": 1}
    deep = {
        "type": "forward",
        "title": "",
        "messages": [{"sender": "a", "name": "A", "sent_at_ms": 1, "content": inner}],
    }
    content = MergedForward("t", (ForwardedMessage("x", "X", 1, deep),))
    seq = await harness.show(harness.alice, harness.direct, "", content=content)
    assert await harness.reads(harness.bob, media_id)
    told = await body(harness, harness.direct, seq)
    found = told.messages[0].content["messages"][0]["content"]
    assert (found["size_bytes"], found["mime"]) == (15, "text/plain")
    bad = MergedForward("t", (ForwardedMessage("x", "X", 1, {"type": "file"}),))
    with pytest.raises(Invalid):
        await harness.show(harness.alice, harness.direct, "", content=bad)
    many = tuple(
        ForwardedMessage("x", "X", 1, {"type": "sticker", "media_id": f"m{n}"}) for n in range(101)
    )
    with pytest.raises((LimitReached, Invalid)):
        await harness.show(harness.alice, harness.direct, "", content=MergedForward("t", many))


async def test_a_custom_message_carries_the_files_that_it_names(harness):
    named, hidden = await harness.upload(harness.alice), await harness.upload(harness.alice, b"x|2")
    card = Custom("card", {"cover": named, "media_id": hidden}, media_ids=(named, named))
    seq = await harness.show(harness.alice, harness.direct, "", content=card)
    assert await harness.reads(harness.bob, named)
    assert not await harness.reads(harness.bob, hidden)
    assert await body(harness, harness.direct, seq) == card
    foreign = Custom("card", {}, media_ids=(await harness.upload(harness.carol),))
    with pytest.raises(NoSuchMedia):
        await harness.show(harness.alice, harness.direct, "", content=foreign)
    inner = {"type": "custom", "name": "card", "data": {}, "media_ids": [named]}
    forward = MergedForward("t", (ForwardedMessage("alice", "A", 1, inner),))
    await harness.show(harness.bob, harness.other, "", content=forward)
    assert await harness.reads(harness.carol, named)
    await harness.do(harness.alice, RecallMessage(conversation_id=harness.direct, seq=seq))
    assert await harness.reads(harness.carol, named)
    assert await harness.store.count(MediaReference) == 1
    await harness.run(2 * DAY_MS)
    assert await harness.reads(harness.carol, named), "what a message names is not collected"
    assert await harness.store.get(MediaItem, hidden) is None


async def test_forwarding_is_another_use(harness):
    media_id = await harness.upload(harness.alice)
    seq = await harness.show(harness.alice, harness.direct, media_id)
    assert not await harness.reads(harness.carol, media_id)
    await harness.do(
        harness.bob,
        ForwardMessages(
            conversation_id=harness.direct, client_id="f", seqs=(seq,), targets=(harness.other,)
        ),
    )
    assert await harness.reads(harness.carol, media_id)
    await harness.do(harness.alice, RecallMessage(conversation_id=harness.direct, seq=seq))
    assert await harness.reads(harness.carol, media_id)
    assert await harness.store.count(MediaReference) == 1


async def test_a_scheduled_message_keeps_its_file(harness):
    media_id = await harness.upload(harness.alice)
    at_ms = harness.clock.now_ms() + 5 * DAY_MS
    for client_id in ("one", "two"):
        await harness.do(
            harness.alice,
            ScheduleMessage(
                conversation_id=harness.direct,
                client_id=client_id,
                content=File(media_id=media_id),
                at_ms=at_ms,
            ),
        )
    await harness.do(harness.alice, UnscheduleMessage(client_id="two"))
    assert await harness.store.count(MediaReference) == 1
    await harness.run(3 * DAY_MS)
    assert not await harness.reads(harness.bob, media_id)
    harness.clock.advance(2 * DAY_MS)
    await harness.scheduling.run(harness.clock.now_ms())
    assert await harness.reads(harness.bob, media_id)
    (use,) = await harness.store.scan(MediaReference)
    assert use.log_id == harness.direct


async def test_what_nothing_uses_goes_after_a_day(harness):
    one, two = await harness.upload(harness.alice), await harness.upload(harness.bob)
    used = await harness.upload(harness.alice, b"text/plain|used")
    seq = await harness.show(harness.alice, harness.alone, used)
    await harness.run(DAY_MS - 1)
    assert await harness.store.count(MediaItem) == 3
    await harness.run(2)
    assert await harness.store.get(MediaItem, one) is None
    assert await harness.store.get(MediaItem, two) is None
    assert len(harness.names()) == 1
    assert (await harness.do(harness.alice, GetUsage())).used_bytes == 15
    await harness.run(30 * DAY_MS)
    assert await harness.reads(harness.alice, used)
    await harness.do(harness.alice, RecallMessage(conversation_id=harness.alone, seq=seq))
    await harness.run(DAY_MS + 1)
    assert harness.names() == []
    assert await harness.store.count(MediaCheck) == 0
    assert (await harness.do(harness.alice, GetUsage())).used_bytes == 0


async def test_bytes_stay_while_another_media_has_them(harness):
    first = await harness.upload(harness.alice, b"image/png|x")
    await harness.processing.run(0)
    second = await harness.upload(harness.bob, b"image/png|x")
    await harness.show(harness.bob, harness.direct, second)
    await harness.run(2 * DAY_MS)
    assert await harness.store.get(MediaItem, first) is None
    assert len(harness.names()) == 2  # the file and its thumbnail


async def test_a_marked_media_takes_no_new_use_and_a_used_one_is_unmarked(harness):
    media_id = await harness.upload(harness.alice)
    harness.clock.advance(DAY_MS + 1)
    await harness.collecting.run(harness.clock.now_ms())  # marks
    assert (await harness.store.get(MediaItem, media_id)).is_ending
    with pytest.raises(NoSuchMedia):
        await harness.show(harness.alice, harness.direct, media_id)
    use = MediaReference(media_id=media_id, log_id=harness.direct, seq=1)
    await harness.store.commit(Commit(changes=(Put(use),)))  # came before the mark
    await harness.run()
    item = await harness.store.get(MediaItem, media_id)
    assert not item.is_ending


async def test_a_use_that_races_with_the_mark_decides_again(harness):
    media_id = await harness.upload(harness.alice)
    held = await harness.access.add_references(harness.alice, (media_id,))
    harness.clock.advance(DAY_MS + 1)
    await harness.collecting.run(harness.clock.now_ms())
    use = MediaReference(media_id=media_id, log_id=harness.direct, seq=1)
    with pytest.raises(VersionConflict):
        await harness.store.commit(Commit(changes=(Put(use),), preconditions=held.preconditions))


async def test_thousands_of_uses_are_not_all_looked_through(harness):
    media_id = await harness.upload(harness.alice)
    uses = [MediaReference(media_id=media_id, log_id=f"g{n:016}", seq=1) for n in range(2_500)]
    uses.append(MediaReference(media_id=media_id, log_id=harness.direct, seq=7))
    await harness.store.commit(Commit(changes=tuple(Put(use) for use in uses)))
    command = GetMedia(media_id=media_id, conversation_id=harness.direct, seq=7)
    assert (await harness.do(harness.bob, command)).media_id == media_id
    with pytest.raises(NoSuchMedia):
        await harness.do(harness.carol, command)


async def test_a_deleted_user_lets_go(harness):
    media_id = await harness.upload(harness.alice)
    change = await harness.access.change_avatar(harness.alice, "@alice", "", media_id)
    await harness.store.commit(change)
    assert await harness.reads(harness.carol, media_id)
    await harness.do("system", ForgetMedia(user_id=harness.alice))
    assert not await harness.reads(harness.carol, media_id)
    await harness.run(DAY_MS + 1)
    assert harness.names() == []


async def test_avatars_are_of_ones_own(harness):
    media_id = await harness.upload(harness.alice)
    await harness.show(harness.alice, harness.direct, media_id)
    with pytest.raises(NoSuchMedia):
        await harness.access.change_avatar(harness.bob, "@bob", "", media_id)
    assert await harness.access.change_avatar(harness.bob, "@bob", "same", "same") == Commit()


async def test_a_repeated_send_answers_the_same_though_the_file_is_gone(harness):
    media_id = await harness.upload(harness.alice)
    command = SendMessage(
        conversation_id=harness.direct, client_id="once", content=File(media_id=media_id)
    )
    first = await harness.do(harness.alice, command)
    await harness.do(harness.alice, RecallMessage(conversation_id=harness.direct, seq=first.seq))
    await harness.run(DAY_MS + 1)
    assert await harness.do(harness.alice, command) == first
