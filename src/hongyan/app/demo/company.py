"""The people of ``hongyan demo``, and the conversations that they have opened."""

import asyncio
import random
import secrets
from typing import Any

from msgspec import Struct

from hongyan.access.admission import OPERATOR
from hongyan.app.progress import OnProgress
from hongyan.domain.conversation.commands import OpenDirect
from hongyan.domain.group.commands import CreateGroup, UpdateGroup
from hongyan.domain.group.commands_members import AddMembers
from hongyan.domain.log.ports import Records
from hongyan.domain.relation.commands import AnswerRequest, RequestFriend
from hongyan.domain.user.commands import UpdateProfile
from hongyan.domain.user.commands_admin import CreateUser
from hongyan.domain.user.model import Status, User
from hongyan.kernel.bus import Actor, Caller, Command
from hongyan.kernel.ids import ClientId, ConversationId, DeviceId, UserId

from .talk import (
    FIRST_NAMES,
    GIVEN,
    GROUPS,
    LAST_NAMES,
    MORE_GROUPS,
    PEOPLE,
    STATUSES,
    SURNAMES,
    Names,
)

PASSWORDS = 20
"""People who can log in; the others have no password until one is set."""
ADDED_AT_ONCE = 500


class DemoPerson(Struct):
    """Somebody of the company."""

    user_id: UserId
    handle: str
    name: str
    locale: str
    password: str | None = None

    @property
    def speaks(self) -> str:
        """``zh`` or ``en``."""
        return self.locale[:2]

    def actor(self) -> Actor:
        """Return who asks when this person does something."""
        return Actor(self.user_id, DeviceId(""))


class DemoConversation(Struct):
    """A conversation and who is in it."""

    conversation_id: ConversationId
    people: list[DemoPerson]
    weight: float


class Company:
    """Hires people and opens conversations, through the services.

    Args:
        caller: Reaches the services.
        records: The rows, to see whose handle is taken.
        choose: Chance.
        mark: Makes the client ids of this demo differ from those of another.
    """

    def __init__(self, caller: Caller, records: Records, choose: random.Random, mark: str) -> None:
        self._caller = caller
        self._records = records
        self._random = choose
        self._mark = mark

    async def hire(self, count: int, report: OnProgress) -> list[DemoPerson]:
        """Make so many accounts; the first ones get a password."""
        company: list[DemoPerson] = []
        names = _names(count)
        for start in range(0, count, ADDED_AT_ONCE):
            batch = names[start : start + ADDED_AT_ONCE]
            company += await asyncio.gather(
                *(self._hire_one(number, name) for number, name in enumerate(batch, start))
            )
            report(len(company), count)
        return company

    async def _hire_one(self, number: int, names: Names) -> DemoPerson:
        name, handle, locale = names
        suffix = 1
        free = handle
        while await self._records.scan(User, free, by="handle", limit=1):
            suffix += 1
            free = f"{handle}{suffix}"
        password = secrets.token_urlsafe(9) if number < PASSWORDS else None
        command = CreateUser(handle=free, name=name, locale=locale, password=password)
        account = await self._caller.call(OPERATOR, command)
        return DemoPerson(account.user_id, free, name, locale, password)

    async def open(self, company: list[DemoPerson]) -> list[DemoConversation]:
        """Make groups and direct conversations; the one of all comes first."""
        choose = self._random
        conversations = []
        for number in range(len(GROUPS) + len(company) // 12):
            if number < len(GROUPS):
                name, notice = GROUPS[number]
            else:
                kind = choose.choice(MORE_GROUPS)
                name, notice = f"{kind} {number}", ""
            size = min(len(company), max(3, choose.randint(5, 12)))
            people = company[:] if number == 0 else choose.sample(company, size)
            conversations.append(await self._group(number, name, notice, people))
        pairs: set[tuple[int, int]] = set()
        for conversation in range(len(company)):
            for other in choose.sample(range(len(company)), min(len(company), 4)):
                if other != conversation:
                    pairs.add((min(conversation, other), max(conversation, other)))
        for one, two in sorted(pairs):
            both = [company[one], company[two]]
            made = await self._do(both[0], OpenDirect(user_id=both[1].user_id))
            conversations.append(
                DemoConversation(made.conversation_id, both, choose.uniform(0.2, 2))
            )
        await self._befriend(company)
        return conversations

    async def _group(
        self, number: int, name: str, notice: str, people: list[DemoPerson]
    ) -> DemoConversation:
        owner = people[0]
        command = CreateGroup(
            client_id=ClientId(f"{self._mark}-{number}"),
            name=name,
            members_limit=max(500, len(people) + 100),
        )
        made = (await self._do(owner, command)).info.group.conversation_id
        for start in range(1, len(people), ADDED_AT_ONCE):
            more = tuple(person.user_id for person in people[start : start + ADDED_AT_ONCE])
            await self._do(owner, AddMembers(conversation_id=made, user_ids=more))
        if notice:
            await self._do(owner, UpdateGroup(conversation_id=made, notice=notice))
        return DemoConversation(made, people, self._random.uniform(3, 10))

    async def _befriend(self, company: list[DemoPerson]) -> None:
        """Some are friends; somebody waits for an answer."""
        for one, other in zip(company[:12:2], company[1:12:2], strict=False):
            await self._do(one, RequestFriend(user_id=other.user_id, message="你好 Hello!"))
            await self._do(other, AnswerRequest(user_id=one.user_id, accept=True))
        if len(company) > 2:
            asks = RequestFriend(user_id=company[0].user_id, message="加个好友吧 Let's connect")
            await self._do(company[2], asks)
        for person, (emoji, text) in zip(company[1:], STATUSES, strict=False):
            await self._do(person, UpdateProfile(status=Status(emoji, text)))

    async def _do(self, person: DemoPerson, command: Command[Any]) -> Any:
        return await self._caller.call(person.actor(), command)


def _names(count: int) -> list[Names]:
    """Return so many names with handles that differ."""
    surnames, given = SURNAMES.split(), GIVEN.split()
    firsts, lasts = FIRST_NAMES.split(), LAST_NAMES.split()
    names = list(PEOPLE[:count])
    for number in range(len(names), count):
        conversation = number - len(PEOPLE)
        if conversation % 3:
            name = surnames[conversation % len(surnames)] + given[conversation // 3 % len(given)]
            names.append((_han(name), f"{_latin(name)}{number}", "zh-CN"))
        else:
            first, last = firsts[conversation % len(firsts)], lasts[conversation // 3 % len(lasts)]
            names.append((f"{first} {last}", f"{first}.{last}{number}".lower(), "en-US"))
    return names


def _han(text: str) -> str:
    return "".join(character for character in text if not character.isascii())


def _latin(text: str) -> str:
    return "".join(character for character in text if character.isascii())
