"""``hongyan demo``: a company that has been chatting for a while.

What is said, and by whom, follows from the seed alone; when also from the time of the call.
The passwords are never the same.
"""

import asyncio
import random
from collections.abc import Awaitable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from hongyan.access.eager import Eager
from hongyan.app.progress import OnProgress, ProgressBars, no_progress
from hongyan.domain.conversation.commands import MarkRead, SetDraft, SetPreference
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.message.commands import EditMessage, SendMessage
from hongyan.domain.message.commands_metadata import PinMessage, React, VotePoll
from hongyan.domain.message.model import Content, Entity, Poll, Text
from hongyan.domain.user.commands import UpdateProfile
from hongyan.kernel.bus import Caller, Command
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import ClientId, LogId

from .company import Company, DemoConversation, DemoPerson
from .files import DemoFiles, avatar, documents
from .talk import DIALOGUES, DRAFT, POLL, WORDS, Line

IN_FLIGHT = 2_000
LITTLE = 3_000
"""Up to so many messages, all are sent in their very order, whatever time it takes. Of more, about
so many have reactions or answer others: those cost a hundred times what a plain message does."""
PICTURES = 10
LOCAL = timedelta(hours=8)
DAY = timedelta(days=1)


class DemoClock:
    """Shows the time of what happens just now."""

    def __init__(self) -> None:
        self.at_ms = 0

    def now_ms(self) -> int:
        """Return what it was set to."""
        return self.at_ms


class Said(Struct):
    """One message to be sent, and where its seq will be known."""

    at_ms: int
    place: DemoConversation
    speaker: DemoPerson
    others: list[DemoPerson]
    turn: Line
    text: str
    seq: "asyncio.Future[int]"
    answers: "asyncio.Future[int] | None"


class DemoReport(Struct):
    """Counts of what was made."""

    people: list[DemoPerson]
    conversations: int
    messages: int
    reactions: int


class Demo:
    """Fills a server through its own services.

    Args:
        caller: Reaches the services.
        log: The logs, to see where they end.
        records: The rows, to see what is there already.
        clock: The clock of those services.
        files: Uploads files; None where nobody keeps them.
        seed: The same seed says the same.
        now_ms: When the last message was sent, about.
    """

    def __init__(
        self,
        caller: Caller,
        log: Log,
        records: Records,
        clock: DemoClock,
        files: DemoFiles | None,
        seed: int,
        now_ms: int,
    ) -> None:
        self._caller = caller
        self._log = log
        self._clock = clock
        self._files = files
        self._random = random.Random(seed)
        self._times = random.Random(seed)
        self._now_ms = now_ms
        self._mark = f"demo-{seed}-{now_ms}"
        self._company = Company(caller, records, self._random, self._mark)
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._reactions = 0
        self._sent = self._total = 0
        self._report: OnProgress = no_progress

    async def fill(self, people: int, messages: int, progress: ProgressBars) -> DemoReport:
        """Make so many people, and let them say so many things.

        Args:
            people: 2 to 10,000.
            messages: From 0 on.
            progress: Shows how far it is.
        """
        days = max(7, min(60, messages // 150))
        first = datetime.fromtimestamp(self._now_ms / 1000, UTC) - days * DAY
        self._clock.at_ms = int(first.timestamp() * 1000)
        company = await self._company.hire(people, progress.stage("people"))
        conversations = await self._company.open(company)
        said = self._written(conversations, messages, days)
        await self._perform(said, progress)
        await self._finish(company, conversations, said)
        sent = sum(one.seq.done() and not one.seq.cancelled() for one in said)
        return DemoReport(company, len(conversations), sent, self._reactions)

    # --- what is said ---

    def _written(
        self, conversations: list[DemoConversation], messages: int, days: int
    ) -> list[Said]:
        """Return all messages by time."""
        weights = [conversation.weight for conversation in conversations]
        said: list[Said] = []
        while len(said) < messages:
            (conversation,) = self._random.choices(conversations, weights)
            said += self._dialogue(conversation, days)
        del said[messages:]
        return sorted(said, key=lambda one: one.at_ms)

    def _dialogue(self, conversation: DemoConversation, days: int) -> Iterator[Said]:
        choose = self._random
        dialogues = [s for s in DIALOGUES if max(turn.who for turn in s) < len(conversation.people)]
        dialogue = choose.choice(dialogues)
        speakers = choose.sample(conversation.people, max(turn.who for turn in dialogue) + 1)
        words = {name: choose.choice(pairs) for name, pairs in WORDS.items()}
        number, percent = f"2.{choose.randint(0, 30)}", str(choose.randint(3, 40))
        at_ms = self._working_time(days)
        loop = asyncio.get_running_loop()
        earlier: list[asyncio.Future[int]] = []
        for turn in dialogue:
            speaker = speakers[turn.who]
            side = 0 if speaker.speaks == "zh" else 1
            text = (turn.zh, turn.en)[side].format(
                number=number, percent=percent, **{name: pair[side] for name, pair in words.items()}
            )
            seq: asyncio.Future[int] = loop.create_future()
            others = [person for person in speakers if person is not speaker]
            answers = earlier[turn.answers] if turn.answers >= 0 else None
            text = text[:1].upper() + text[1:]
            yield Said(at_ms, conversation, speaker, others, turn, text, seq, answers)
            earlier.append(seq)
            at_ms = min(at_ms + self._times.randint(8_000, 240_000), self._now_ms - 30_000)

    def _working_time(self, days: int) -> int:
        """Return a time between 9 and 18:30 of a working day before now."""
        while True:
            now = datetime.fromtimestamp(self._now_ms / 1000, UTC) + LOCAL
            back = self._times.triangular(0, days - 1, 0)
            day = (now - DAY * int(back)).replace(hour=0, minute=0, second=0, microsecond=0)
            at = day + timedelta(minutes=self._times.randint(9 * 60, 18 * 60 + 30)) - LOCAL
            at_ms = int(at.timestamp() * 1000)
            is_rare = day.weekday() >= 5 and self._times.random() > 0.1
            if at_ms < self._now_ms - 60_000 and not is_rare:
                return at_ms

    async def _perform(self, said: list[Said], progress: ProgressBars) -> None:
        """Send everything, many at a time; each conversation keeps its order."""
        self._report, self._total = progress.stage("messages"), len(said)
        after: list[asyncio.Task[None]] = []
        for number, one in enumerate(said):
            await self._room.acquire()
            self._clock.at_ms = max(self._clock.at_ms, one.at_ms)
            is_answer = one.answers is not None and self._random.random() * len(said) < LITTLE
            is_touched = one.turn.emojis or one.turn.slip
            if len(said) <= LITTLE:
                self._start(one, number, await _or_0(one.answers))
                await (self._react(one) if is_touched else _or_0(one.seq))
                continue
            if is_answer:
                after.append(asyncio.create_task(self._answer(one, number)))
            else:
                self._start(one, number, 0)
            if is_touched and self._random.random() * len(said) < LITTLE:
                after.append(asyncio.create_task(self._react(one)))
            if not number % 200:
                await asyncio.sleep(0)
        await asyncio.gather(*after)
        for _ in range(IN_FLIGHT):
            await self._room.acquire()

    async def _answer(self, one: Said, number: int) -> None:
        self._start(one, number, await _or_0(one.answers))

    def _start(self, one: Said, number: int, quote_seq: int) -> None:
        """Send a message; its place in the order is taken before this returns."""

        def finish(ack: Any, error: Exception | None) -> None:
            self._sent += 1
            self._room.release()
            if error is not None:
                one.seq.cancel()
            else:
                one.seq.set_result(ack.seq)
            if not self._sent % 500 or self._sent == self._total:
                self._report(self._sent, self._total)

        text = f"{one.text[:-1]}{one.text[-1] * 2}" if one.turn.slip else one.text
        Eager(self._send(one.place, one.speaker, f"said-{number}", Text(text), quote_seq), finish)

    def _send(
        self,
        conversation: DemoConversation,
        speaker: DemoPerson,
        name: str,
        content: Content,
        quote_seq: int = 0,
    ) -> Coroutine[Any, Any, Any]:
        command = SendMessage(
            conversation_id=conversation.conversation_id,
            client_id=ClientId(f"{self._mark}-{name}"),
            content=content,
            quote_seq=quote_seq,
        )
        return self._caller.call(speaker.actor(), command)

    async def _react(self, one: Said) -> None:
        """Put the reactions to a message, or mend its slip."""
        seq = await _or_0(one.seq)
        if not seq:
            return
        conversation = one.place.conversation_id
        if one.turn.slip:
            mended = EditMessage(conversation_id=conversation, seq=seq, content=Text(one.text))
            await self._try(one.speaker, mended)
        for emoji, person in zip(_emojis(one.turn.emojis), one.others, strict=False):
            react = React(conversation_id=conversation, seq=seq, emoji=emoji)
            if await self._try(person, react):
                self._reactions += 1

    # --- how everybody left it ---

    async def _finish(
        self, company: list[DemoPerson], conversations: list[DemoConversation], said: list[Said]
    ) -> None:
        self._clock.at_ms = self._now_ms
        if said:
            await self._poll(conversations[0])
        if self._files is not None:
            await self._share(company, conversations, self._files)
        ids = [LogId(conversation.conversation_id) for conversation in conversations]
        heads = await self._log.states(ids)
        works: list[Awaitable[object]] = []
        for conversation in conversations:
            head = heads[LogId(conversation.conversation_id)].seq
            for person in conversation.people:
                behind = 0 if self._random.random() < 0.6 else self._random.randint(1, 12)
                read = MarkRead(
                    conversation_id=conversation.conversation_id, seq=max(0, head - behind)
                )
                works.append(self._try(person, read))
        for start in range(0, len(works), IN_FLIGHT):
            await asyncio.gather(*works[start : start + IN_FLIGHT])
        for person in company[:5]:
            mine = [conversation for conversation in conversations if person in conversation.people]
            pinned = SetPreference(conversation_id=mine[0].conversation_id, pinned=True)
            await self._try(person, pinned)
            if len(mine) > 2:
                muted = SetPreference(conversation_id=mine[2].conversation_id, muted_until_ms=-1)
                await self._try(person, muted)
            draft = SetDraft(conversation_id=mine[-1].conversation_id, text=DRAFT[person.speaks])
            await self._try(person, draft)

    async def _share(
        self, company: list[DemoPerson], conversations: list[DemoConversation], files: DemoFiles
    ) -> None:
        """Some have a picture of themselves; some share a document."""
        for person in company[:PICTURES]:
            picture = await files.upload(person.actor(), "avatar.png", avatar(self._random))
            await self._try(person, UpdateProfile(avatar=picture))
        shared = []
        for number, document in enumerate(documents(self._random)):
            conversation = conversations[number % len(conversations)]
            person = conversation.people[number % len(conversation.people)]
            shared.append((conversation, person, await files.content(person.actor(), document)))
        await files.settle()
        for number, (conversation, person, content) in enumerate(shared):
            await self._send(conversation, person, f"file-{number}", content)

    async def _poll(self, conversation: DemoConversation) -> None:
        """The group of all votes; what calls everybody is pinned."""
        owner, where = conversation.people[0], conversation.conversation_id
        question, options = POLL
        seq = (await self._send(conversation, owner, "poll", Poll(question, options))).seq
        for person in conversation.people[:40]:
            if self._random.random() < 0.7:
                choice = (self._random.randrange(len(options)),)
                await self._try(person, VotePoll(conversation_id=where, seq=seq, choice=choice))
        text = "@所有人 请投票！ Please vote!"
        call = Text(text, (Entity("mention_all", 0, 4),))
        await self._send(conversation, owner, "call", call, seq)
        await self._try(owner, PinMessage(conversation_id=where, seq=seq))

    async def _try(self, person: DemoPerson, command: Command[Any]) -> bool:
        """Do what need not succeed; return whether it did."""
        try:
            await self._caller.call(person.actor(), command)
        except Refusal:
            return False
        return True


async def _or_0(seq: "asyncio.Future[int] | None") -> int:
    """Wait for a seq; 0 where there is none."""
    if seq is None:
        return 0
    try:
        return await asyncio.shield(seq)
    except asyncio.CancelledError:
        if seq.cancelled():
            return 0
        raise


def _emojis(text: str) -> list[str]:
    """Return the emojis in a text, a variation selector with the one before it."""
    found: list[str] = []
    for character in text:
        if character == "\ufe0f" and found:
            found[-1] += character
        else:
            found.append(character)
    return found
