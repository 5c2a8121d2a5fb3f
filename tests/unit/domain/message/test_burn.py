"""Burning after reading: when it begins, that it survives restarts, and what it takes."""

import pytest

from hongyan.domain.conversation.model import CONVERSATION_READ, ConversationRead
from hongyan.domain.log.model import Advance, Append, Commit, encode_body
from hongyan.domain.message.commands import RecallMessage
from hongyan.domain.message.commands_metadata import React
from hongyan.domain.message.model import MESSAGE_BURNED
from hongyan.domain.message.rows import BurnTask, Reaction
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import SYSTEM, user_log

BURN_MS = 10_000


async def read(chat, who, seq):
    """Move a cursor as ``conversation.read`` does."""
    body = encode_body(ConversationRead(chat.direct, seq, seq))
    append = Append(user_log(who), CONVERSATION_READ, who, body, chat.clock.now_ms())
    advance = Advance(chat.direct, who, read_seq=seq)
    await chat.store.commit(Commit((append,), (advance,)))


async def run(chat, after_ms=0):
    chat.clock.advance(after_ms)
    return await chat.burning.run(chat.clock.now_ms())


def listen(chat, committed):
    """Tell the service what was committed since the last time."""
    for event in committed:
        chat.burning.cache.committed(event)
    committed.clear()


async def is_burned(chat, seq):
    body = await chat.body(chat.direct, seq)
    assert body.burned == (body.content is None)
    return body.burned


async def test_it_burns_so_long_after_it_was_read(chat, committed):
    seq = await chat.send(chat.alice, chat.direct, "eat this", burn_after_ms=BURN_MS)
    await chat.do(chat.bob, React(conversation_id=chat.direct, seq=seq, emoji="👀"))
    listen(chat, committed)
    await run(chat, 10 * BURN_MS)
    await read(chat, chat.bob, seq)
    listen(chat, committed)
    assert await run(chat, 700) == 0
    assert await run(chat, BURN_MS - 701) == 0
    assert not await is_burned(chat, seq)
    assert await run(chat, 1) == 1
    assert await is_burned(chat, seq)
    assert "eat this" not in await chat.everything(chat.direct)
    assert await chat.told(chat.direct, MESSAGE_BURNED) == [(SYSTEM, {"seq": seq})]
    assert await chat.rows(BurnTask, Reaction) == 0
    assert await run(chat, BURN_MS) == 0


async def test_its_author_reads_it_in_vain(chat, committed):
    seq = await chat.send(chat.alice, chat.direct, burn_after_ms=BURN_MS)
    await read(chat, chat.alice, seq)
    listen(chat, committed)
    await run(chat)
    await run(chat, 100 * BURN_MS)
    assert not await is_burned(chat, seq)


async def test_to_answer_is_to_have_read(chat, committed):
    seq = await chat.send(chat.alice, chat.direct, burn_after_ms=BURN_MS)
    listen(chat, committed)
    await chat.send(chat.bob, chat.direct, "got it")
    listen(chat, committed)
    await run(chat, 100)
    await run(chat, BURN_MS - 100)
    assert await is_burned(chat, seq)


async def test_only_what_was_read_burns(chat, committed):
    seqs = [await chat.send(chat.alice, chat.direct, burn_after_ms=BURN_MS) for _ in range(3)]
    plain = await chat.send(chat.alice, chat.direct)
    listen(chat, committed)
    await read(chat, chat.bob, seqs[1])
    listen(chat, committed)
    await run(chat)
    await run(chat, BURN_MS)
    assert [await is_burned(chat, seq) for seq in (*seqs, plain)] == [True, True, False, False]


async def test_what_was_read_before_a_crash_burns_after_it(chat, committed):
    seq = await chat.send(chat.alice, chat.direct, burn_after_ms=BURN_MS)
    await read(chat, chat.bob, seq)
    chat.build()  # heard nothing of it
    assert await run(chat, 60_000) == 0
    assert await run(chat, BURN_MS) == 1
    assert await is_burned(chat, seq)


async def test_what_was_due_before_a_crash_burns_at_once_after_it(chat, committed):
    seq = await chat.send(chat.alice, chat.direct, burn_after_ms=BURN_MS)
    await read(chat, chat.bob, seq)
    listen(chat, committed)
    await run(chat)
    chat.build()
    assert await run(chat, BURN_MS) == 1
    assert await is_burned(chat, seq)


async def test_many_waiting_ones_are_all_looked_at_in_turn(chat):
    for _ in range(130):
        await chat.send(chat.alice, chat.direct, burn_after_ms=BURN_MS)
    await read(chat, chat.bob, 130)
    for _ in range(3):
        await run(chat)
    assert await run(chat, BURN_MS) == 130


async def test_a_recalled_message_does_not_burn(chat, committed):
    seq = await chat.send(chat.alice, chat.direct, burn_after_ms=BURN_MS)
    await read(chat, chat.bob, seq)
    listen(chat, committed)
    await run(chat)
    await chat.do(chat.alice, RecallMessage(conversation_id=chat.direct, seq=seq))
    assert await run(chat, BURN_MS) == 0
    assert await chat.told(chat.direct, MESSAGE_BURNED) == []


async def test_a_retried_send_makes_no_second_task(chat):
    for _ in range(2):
        await chat.send(chat.alice, chat.direct, client_id="same", burn_after_ms=BURN_MS)
    assert await chat.rows(BurnTask) == 1


async def test_only_direct_messages_burn_and_not_after_years(chat):
    with pytest.raises(Invalid):
        await chat.send(chat.alice, chat.team, burn_after_ms=BURN_MS)
    for wrong in (-1, 8 * 24 * 3600 * 1000):
        with pytest.raises(Invalid):
            await chat.send(chat.alice, chat.direct, burn_after_ms=wrong)
