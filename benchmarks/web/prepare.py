"""A data folder with one long conversation, for the web client to open."""

from pathlib import Path

from benchmarks.prepare import OPERATOR, Preparation, each
from hongyan.access.rate_options import RateOptions
from hongyan.app.roles.embedded import Embedded
from hongyan.app.settings.sections import ServerSettings, Settings, prepare_data_dir
from hongyan.domain.message.commands import SendMessage
from hongyan.domain.message.model import Text
from hongyan.domain.user.commands_admin import CreateUser
from hongyan.infra.local.folder import FolderLock
from hongyan.kernel.bus import Actor
from hongyan.kernel.ids import ClientId, DeviceId, UserId

PASSWORD = "wild geese carry letters"
READER, TALKER = UserId("reader"), UserId("talker")
PEOPLE = (READER, TALKER, *(UserId(f"guest{number}") for number in range(6)))
LONG, SHORT = "A long story", "A short story"
STRETCH = 1_000
TEXTS = (
    "好的，收到。",
    "Shall we meet at nine, or is that too early for the people who come by train?",
    "第二点要改动数据结构，需要两天。我先把影响写清楚，明天上午发出来，大家看过再决定。",
    "Yes.",
    "The notes of today are in https://example.org/notes and the figures in the other one.",
)


async def fill(folder: Path, count: int) -> None:
    """Make the people, a long and a short conversation, and let them talk."""
    settings = Settings(
        server=ServerSettings(data_dir=str(folder)),
        rates=RateOptions(user_per_s=0, connection_per_s=0, address_per_s=0),
    )
    prepare_data_dir(folder)
    with FolderLock(folder):
        embedded = await Embedded.open(settings)
        try:
            await _fill(embedded, count)
        finally:
            await embedded.close()


async def _fill(embedded: Embedded, count: int) -> None:
    caller = embedded.caller
    for name in PEOPLE:
        command = CreateUser(user_id=name, handle=name, name=name.title(), password=PASSWORD)
        await caller.call(OPERATOR, command)
    made = Preparation(embedded.caller)
    short = await made.group(PEOPLE, SHORT)
    long = await made.group(PEOPLE, LONG)

    async def say(number: int) -> None:
        sender = PEOPLE[1 + number // 3 % (len(PEOPLE) - 1)]
        text = Text(text=f"{number}. {TEXTS[number % len(TEXTS)]}")
        conversation_id = long if number else short
        command = SendMessage(
            conversation_id=conversation_id,  # type: ignore[arg-type]
            client_id=ClientId(f"w{number}"),
            content=text,
        )
        await caller.call(Actor(sender, DeviceId("bench")), command)

    for begin in range(0, count + 1, STRETCH):
        await each(range(begin, min(begin + STRETCH, count + 1)), say)
