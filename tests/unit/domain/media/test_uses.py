"""Who may read a file because of where it is shown, and when it goes."""

import msgspec
import pytest

from hongyan.domain.log.model import Commit, Put, Stale
from hongyan.domain.media.api import ForgetMedia, GetMedia, GetUsage, NoSuchMedia
from hongyan.domain.media.model import MediaCheck, MediaItem, MediaUse
from hongyan.domain.message.api import (
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


async def body(world, where, seq):
    (entry,) = await world.store.read(where, seq, seq, 1)
    return msgspec.json.decode(entry.body, type=MessageBody).content


async def test_what_is_said_of_a_file_is_made_true(world):
    media_id = await world.upload(world.alice, b"image/png|cat", "cat.png")
    await world.processing.tick(0)
    lie = Image(
        media_id=media_id, mime="text/html", size_bytes=1, width=9, height=9, caption="look"
    )
    seq = await world.show(world.alice, world.direct, media_id, content=lie)
    told = await body(world, world.direct, seq)
    assert (told.mime, told.size_bytes, told.width, told.height) == ("image/png", 13, 4, 3)
    assert told.caption == "look"


async def test_nobody_shows_what_they_cannot_read(world):
    media_id = await world.upload(world.alice)
    for content in (
        File(media_id=media_id),
        Sticker(media_id=media_id),
        File(media_id="nothing"),
        MergedForward(
            "t", (ForwardedMessage("x", "X", 1, {"type": "file", "media_id": media_id}),)
        ),
    ):
        with pytest.raises(NoSuchMedia):
            await world.show(world.bob, world.direct, "", content=content)
    mine = await world.upload(world.bob)
    video = Video(media_id=mine, poster_id=media_id)
    with pytest.raises(NoSuchMedia):
        await world.show(world.bob, world.direct, "", content=video)
    assert await world.store.count(MediaUse) == 0


async def test_a_merged_forward_carries_its_files(world):
    media_id = await world.upload(world.alice, b"text/plain|deep")
    inner = {"type": "file", "media_id": media_id, "size_bytes": 1}
    deep = {
        "type": "forward",
        "title": "",
        "messages": [{"sender": "a", "name": "A", "sent_at_ms": 1, "content": inner}],
    }
    content = MergedForward("t", (ForwardedMessage("x", "X", 1, deep),))
    seq = await world.show(world.alice, world.direct, "", content=content)
    assert await world.reads(world.bob, media_id)
    told = await body(world, world.direct, seq)
    found = told.messages[0].content["messages"][0]["content"]
    assert (found["size_bytes"], found["mime"]) == (15, "text/plain")
    bad = MergedForward("t", (ForwardedMessage("x", "X", 1, {"type": "file"}),))
    with pytest.raises(Invalid):
        await world.show(world.alice, world.direct, "", content=bad)
    many = tuple(
        ForwardedMessage("x", "X", 1, {"type": "sticker", "media_id": f"m{n}"}) for n in range(101)
    )
    with pytest.raises((LimitReached, Invalid)):
        await world.show(world.alice, world.direct, "", content=MergedForward("t", many))


async def test_a_custom_message_carries_the_files_that_it_names(world):
    named, hidden = await world.upload(world.alice), await world.upload(world.alice, b"x|2")
    card = Custom("card", {"cover": named, "media_id": hidden}, media_ids=(named, named))
    seq = await world.show(world.alice, world.direct, "", content=card)
    assert await world.reads(world.bob, named)
    assert not await world.reads(world.bob, hidden)
    assert await body(world, world.direct, seq) == card
    foreign = Custom("card", {}, media_ids=(await world.upload(world.carol),))
    with pytest.raises(NoSuchMedia):
        await world.show(world.alice, world.direct, "", content=foreign)
    inner = {"type": "custom", "name": "card", "data": {}, "media_ids": [named]}
    forward = MergedForward("t", (ForwardedMessage("alice", "A", 1, inner),))
    await world.show(world.bob, world.other, "", content=forward)
    assert await world.reads(world.carol, named)
    await world.do(world.alice, RecallMessage(conversation_id=world.direct, seq=seq))
    assert await world.reads(world.carol, named)
    assert await world.store.count(MediaUse) == 1
    await world.tick(2 * DAY_MS)
    assert await world.reads(world.carol, named), "what a message names is not collected"
    assert await world.store.get(MediaItem, hidden) is None


async def test_forwarding_is_another_use(world):
    media_id = await world.upload(world.alice)
    seq = await world.show(world.alice, world.direct, media_id)
    assert not await world.reads(world.carol, media_id)
    await world.do(
        world.bob,
        ForwardMessages(
            conversation_id=world.direct, client_id="f", seqs=(seq,), targets=(world.other,)
        ),
    )
    assert await world.reads(world.carol, media_id)
    await world.do(world.alice, RecallMessage(conversation_id=world.direct, seq=seq))
    assert await world.reads(world.carol, media_id)
    assert await world.store.count(MediaUse) == 1


async def test_a_scheduled_message_keeps_its_file(world):
    media_id = await world.upload(world.alice)
    at_ms = world.clock.now_ms() + 5 * DAY_MS
    for client_id in ("one", "two"):
        await world.do(
            world.alice,
            ScheduleMessage(
                conversation_id=world.direct,
                client_id=client_id,
                content=File(media_id=media_id),
                at_ms=at_ms,
            ),
        )
    await world.do(world.alice, UnscheduleMessage(client_id="two"))
    assert await world.store.count(MediaUse) == 1
    await world.tick(3 * DAY_MS)
    assert not await world.reads(world.bob, media_id)
    world.clock.advance(2 * DAY_MS)
    await world.scheduling.tick(world.clock.now_ms())
    assert await world.reads(world.bob, media_id)
    (use,) = await world.store.scan(MediaUse)
    assert use.log_id == world.direct


async def test_what_nothing_uses_goes_after_a_day(world):
    one, two = await world.upload(world.alice), await world.upload(world.bob)
    used = await world.upload(world.alice, b"text/plain|used")
    seq = await world.show(world.alice, world.alone, used)
    await world.tick(DAY_MS - 1)
    assert await world.store.count(MediaItem) == 3
    await world.tick(2)
    assert await world.store.get(MediaItem, one) is None
    assert await world.store.get(MediaItem, two) is None
    assert len(world.names()) == 1
    assert (await world.do(world.alice, GetUsage())).used_bytes == 15
    await world.tick(30 * DAY_MS)
    assert await world.reads(world.alice, used)
    await world.do(world.alice, RecallMessage(conversation_id=world.alone, seq=seq))
    await world.tick(DAY_MS + 1)
    assert world.names() == []
    assert await world.store.count(MediaCheck) == 0
    assert (await world.do(world.alice, GetUsage())).used_bytes == 0


async def test_bytes_stay_while_another_media_has_them(world):
    first = await world.upload(world.alice, b"image/png|x")
    await world.processing.tick(0)
    second = await world.upload(world.bob, b"image/png|x")
    await world.show(world.bob, world.direct, second)
    await world.tick(2 * DAY_MS)
    assert await world.store.get(MediaItem, first) is None
    assert len(world.names()) == 2  # the file and its thumbnail


async def test_a_marked_media_takes_no_new_use_and_a_used_one_is_unmarked(world):
    media_id = await world.upload(world.alice)
    world.clock.advance(DAY_MS + 1)
    await world.collecting.tick(world.clock.now_ms())  # marks
    assert (await world.store.get(MediaItem, media_id)).is_ending
    with pytest.raises(NoSuchMedia):
        await world.show(world.alice, world.direct, media_id)
    use = MediaUse(media_id=media_id, log_id=world.direct, seq=1)
    await world.store.commit(Commit(changes=(Put(use),)))  # came before the mark
    await world.tick()
    item = await world.store.get(MediaItem, media_id)
    assert not item.is_ending


async def test_a_use_that_races_with_the_mark_decides_again(world):
    media_id = await world.upload(world.alice)
    held = await world.access.hold(world.alice, (media_id,))
    world.clock.advance(DAY_MS + 1)
    await world.collecting.tick(world.clock.now_ms())
    use = MediaUse(media_id=media_id, log_id=world.direct, seq=1)
    with pytest.raises(Stale):
        await world.store.commit(Commit(changes=(Put(use),), expects=held.expects))


async def test_thousands_of_uses_are_not_all_looked_through(world):
    media_id = await world.upload(world.alice)
    uses = [MediaUse(media_id=media_id, log_id=f"g{n:016}", seq=1) for n in range(2_500)]
    uses.append(MediaUse(media_id=media_id, log_id=world.direct, seq=7))
    await world.store.commit(Commit(changes=tuple(Put(use) for use in uses)))
    command = GetMedia(media_id=media_id, conversation_id=world.direct, seq=7)
    assert (await world.do(world.bob, command)).media_id == media_id
    with pytest.raises(NoSuchMedia):
        await world.do(world.carol, command)


async def test_a_deleted_user_lets_go(world):
    media_id = await world.upload(world.alice)
    change = await world.access.change_avatar(world.alice, "@alice", "", media_id)
    await world.store.commit(change)
    assert await world.reads(world.carol, media_id)
    await world.do("system", ForgetMedia(user_id=world.alice))
    assert not await world.reads(world.carol, media_id)
    await world.tick(DAY_MS + 1)
    assert world.names() == []


async def test_avatars_are_of_ones_own(world):
    media_id = await world.upload(world.alice)
    await world.show(world.alice, world.direct, media_id)
    with pytest.raises(NoSuchMedia):
        await world.access.change_avatar(world.bob, "@bob", "", media_id)
    assert await world.access.change_avatar(world.bob, "@bob", "same", "same") == Commit()


async def test_a_repeated_send_answers_the_same_though_the_file_is_gone(world):
    media_id = await world.upload(world.alice)
    command = SendMessage(
        conversation_id=world.direct, client_id="once", content=File(media_id=media_id)
    )
    first = await world.do(world.alice, command)
    await world.do(world.alice, RecallMessage(conversation_id=world.direct, seq=first.seq))
    await world.tick(DAY_MS + 1)
    assert await world.do(world.alice, command) == first
