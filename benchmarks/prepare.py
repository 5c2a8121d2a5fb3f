"""A data folder with users, tokens and conversations, made by the operator's own commands."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from hongyan.access.rate_options import RateOptions
from hongyan.app.roles.embedded import Embedded
from hongyan.app.settings.sections import ServerSettings, Settings, prepare_data_dir
from hongyan.domain.conversation.commands import OpenDirect
from hongyan.domain.group.commands import CreateGroup
from hongyan.domain.message.commands import SendMessage
from hongyan.domain.message.model import Text
from hongyan.domain.user.commands_admin import CreateUser, MintToken
from hongyan.infra.local.folder import FolderLock
from hongyan.kernel.bus import Actor, Caller
from hongyan.kernel.ids import SYSTEM, ClientId, DeviceId, UserId

OPERATOR = Actor(SYSTEM, DeviceId(""), admin=True)
AT_ONCE = 200
DAY_S = 86_400
MANIFEST = "benchmark.json"

T = TypeVar("T")
R = TypeVar("R")


async def each(items: Sequence[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Do the work for all items, many at once; return the answers in order."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with slots:
            return await work(item)

    return await asyncio.gather(*map(one, items))


class Preparation:
    """Fills a server or a cluster.

    Args:
        caller: Carries the commands there.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def users(self, count: int) -> list[tuple[UserId, str]]:
        """Make users with one device each; return their ids and access tokens."""
        names = [UserId(f"b{number:05}") for number in range(count)]

        async def make(name: UserId) -> tuple[UserId, str]:
            await self._caller.call(OPERATOR, CreateUser(user_id=name, handle=name, name=name))
            return name, await self.device(name)

        return await each(names, make)

    async def device(self, user_id: UserId) -> str:
        """Log one more device in; return its access token."""
        minting = MintToken(user_id=user_id, expires_in_s=DAY_S)
        return (await self._caller.call(OPERATOR, minting)).access_token

    async def direct(self, pairs: Sequence[tuple[UserId, UserId]]) -> list[str]:
        """Open direct conversations."""

        async def make(pair: tuple[UserId, UserId]) -> str:
            actor = Actor(pair[0], DeviceId("bench"))
            opened = await self._caller.call(actor, OpenDirect(user_id=pair[1]))
            return opened.conversation_id

        return await each(pairs, make)

    async def group(self, members: Sequence[UserId], name: str = "bench") -> str:
        """Make a group of all of them."""
        actor = Actor(members[0], DeviceId("bench"))
        command = CreateGroup(client_id=ClientId(name), name=name, user_ids=tuple(members[1:]))
        created = await self._caller.call(actor, command)
        return created.info.group.conversation_id

    async def messages(self, conversations: Sequence[tuple[str, UserId]], count: int) -> None:
        """Let a member of each conversation say something so many times."""

        async def say(what: tuple[str, UserId, int]) -> None:
            conversation_id, sender, number = what
            command = SendMessage(
                conversation_id=conversation_id,  # type: ignore[arg-type]
                client_id=ClientId(f"p{number}"),
                content=Text(text=f"message {number} " + "x" * 48),
            )
            await self._caller.call(Actor(sender, DeviceId("bench")), command)

        for number in range(count):
            await each([(*one, number) for one in conversations], say)


async def prepare(
    data_dir: Path, users: int, members: int, conversations: int, messages: int
) -> dict[str, Any]:
    """Fill the folder and return what is in it."""
    settings = Settings(
        server=ServerSettings(data_dir=str(data_dir)),
        rates=RateOptions(user_per_s=0, connection_per_s=0, address_per_s=0),
    )
    prepare_data_dir(data_dir)
    with FolderLock(data_dir):
        embedded = await Embedded.open(settings)
        made = Preparation(embedded.caller)
        people = await made.users(users)
        names = [name for name, _ in people]
        paired = names[: min(users, 200) // 2 * 2]
        direct = await made.direct(list(zip(paired[::2], paired[1::2], strict=True)))
        group = await made.group(names[:members])
        reader = names[-1]
        peers = names[:conversations]
        read = await made.direct([(reader, peer) for peer in peers])
        await made.messages(list(zip(read, peers, strict=True)), messages)
        await embedded.close()
    return {"people": people, "direct": direct, "group": group, "read": read}


def main() -> None:
    """Prepare a folder: DIR USERS MEMBERS CONVERSATIONS MESSAGES."""
    folder, *numbers = sys.argv[1:]
    manifest = uvloop.run(prepare(Path(folder), *map(int, numbers)))
    (Path(folder) / MANIFEST).write_text(json.dumps(manifest))


if __name__ == "__main__":
    main()
