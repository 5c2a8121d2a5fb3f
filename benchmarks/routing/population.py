"""Who exists, who is online where, and who talks with whom: the same for everybody with a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from hongyan.domain.log.model import Committed, Entry

ONLINE = 0.3
BODY = msgspec.Raw(b'{"type":"text","text":"' + b"x" * 170 + b'"}')
MIX = {"direct": 0.60, "group of 10": 0.35, "group of 1,000": 0.045, "group of 100,000": 0.005}
"""So many of all messages go to conversations of each kind."""
MESSAGES_EACH = 10
"""Messages in a row, amid others, in a conversation that is written in."""


@dataclass(frozen=True)
class Size:
    """How many users there are, and in how many conversations each is."""

    users: int
    directs_each: int = 12
    tens_each: int = 7
    thousands_each: int = 1
    has_hundred_thousand: bool = True


class Population:
    """Users are ``u0``, ``u1``...; it knows who belongs where.

    Args:
        size: How many.
    """

    def __init__(self, size: Size, seed: int = 7) -> None:
        chance = random.Random(seed)
        users = [f"u{number}" for number in range(size.users)]
        self.of: dict[str, list[str]] = {
            user: [] for user in chance.sample(users, int(size.users * ONLINE))
        }
        self.rows: dict[str, list[str]] = {}
        self.kinds: dict[str, list[str]] = {kind: [] for kind in MIX}
        counts = {
            "direct": (2, size.users * size.directs_each // 2),
            "group of 10": (10, size.users * size.tens_each // 10),
            "group of 1,000": (1_000, size.users * size.thousands_each // 1_000),
            "group of 100,000": (100_000, int(size.has_hundred_thousand)),
        }
        for kind, (members, count) in counts.items():
            for number in range(count):
                self._add(chance, f"{kind[0]}{members}-{number:010d}", kind, members, users)

    def spread(self, gateways: int, seed: int = 7) -> list[list[str]]:
        """Return the users who are online by gateway, spread at random."""
        chance = random.Random(seed + gateways)
        spread: list[list[str]] = [[] for _ in range(gateways)]
        for user in self.of:
            spread[chance.randrange(gateways)].append(user)
        return spread

    def _add(
        self, chance: random.Random, name: str, kind: str, members: int, users: list[str]
    ) -> None:
        chosen = users if members >= len(users) else chance.sample(users, members)
        here = [user for user in chosen if user in self.of]
        if not here:
            return  # nobody could send there
        self.rows[name] = chosen
        self.kinds[kind].append(name)
        for user in here:
            self.of[user].append(name)

    async def members(self, conversation_id: Any) -> Any:
        """See ``ConversationMembers.members``."""
        return self.rows.get(conversation_id, ())

    async def conversations(self, user_id: Any) -> Any:
        """See ``UserConversations.conversations``."""
        return self.of[user_id]

    def messages(self, kind: str, count: int, seed: int = 1) -> Iterator[Committed]:
        """Yield messages in conversations of the kind, or of the mix.

        A conversation that is written in gets ``MESSAGES_EACH`` of them, amid those of others.
        """
        chance = random.Random(seed)
        shares = {each: part for each, part in MIX.items() if self.kinds[each]}
        active = {
            each: chance.sample(names, min(len(names), max(1, count // MESSAGES_EACH)))
            for each, names in self.kinds.items()
        }
        if kind == "mix":
            for each, part in shares.items():
                active[each] = active[each][: max(1, int(count * part) // MESSAGES_EACH)]
        for number in range(count):
            chosen = kind
            if kind == "mix":
                chosen = chance.choices(list(shares), list(shares.values()))[0]
            log_id: Any = chance.choice(active[chosen])
            sender: Any = "u1"
            client_id: Any = f"{number:016d}"
            entry = Entry(log_id, number + 2, number, "message", sender, client_id, 1, BODY)
            yield Committed((entry,), "c0123456789")  # type: ignore[arg-type]
