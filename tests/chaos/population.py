"""Who is there: users with devices, direct conversations and groups, made before the start."""

import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.prepare import OPERATOR, Preparation

from hongyan.app.roles.embedded import Embedded
from hongyan.app.settings.sections import ServerSettings, Settings, prepare_data_dir
from hongyan.domain.integration.commands_webhooks import CreateWebhook
from hongyan.infra.local.folder import FolderLock
from hongyan.kernel.bus import Caller
from hongyan.kernel.ids import UserId

GROUP_SIZES = (3, 5, 8, 12)
PEERS = 2


@dataclass
class Population:
    """Tokens by user (one for each device), each user's conversations, and the webhook."""

    tokens: dict[str, list[str]]
    conversations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    secret: str = ""
    """Signs what is posted to the webhook."""

    @property
    def members(self) -> dict[str, set[str]]:
        """Who is in each conversation."""
        found: dict[str, set[str]] = defaultdict(set)
        for user_id, conversations in self.conversations.items():
            for conversation_id in conversations:
                found[conversation_id].add(user_id)
        return found


async def make_population(data_dir: Path, users: int, webhook_url: str) -> Population:
    """Fill an empty data folder, and subscribe to all messages."""
    settings = Settings(server=ServerSettings(data_dir=str(data_dir)))
    prepare_data_dir(data_dir)
    with FolderLock(data_dir):
        embedded = await Embedded.open(settings)
        try:
            return await fill(embedded.caller, users, webhook_url)
        finally:
            await embedded.close()


async def fill(caller: Caller, count: int, webhook_url: str) -> Population:
    """Make so many people and their conversations, and subscribe to all messages."""
    population = await _people(Preparation(caller), count)
    subscribe = CreateWebhook(url=webhook_url, kinds=("message",))
    population.secret = (await caller.call(OPERATOR, subscribe)).secret
    return population


async def _people(made: Preparation, count: int) -> Population:
    people = await made.users(count)
    names = [name for name, _ in people]
    population = Population({name: [token] for name, token in people})
    for place, name in enumerate(names):
        for _ in range(place % 3 // 2 + place % 5 // 4):  # one device, some have two, few three
            population.tokens[name].append(await made.device(name))
    pairs = {
        tuple(sorted((name, names[(place + step) % count]), key=names.index))
        for place, name in enumerate(names)
        for step in range(1, PEERS + 1)
    }
    chosen = sorted((UserId(one), UserId(other)) for one, other in pairs)
    for pair, conversation in zip(chosen, await made.direct(chosen), strict=True):
        for name in pair:
            population.conversations[name].append(conversation)
    sizes = itertools.cycle(GROUP_SIZES)
    for number in range(max(2, count // 6)):
        members = random.sample(names, min(next(sizes), count))
        conversation = await made.group(members, f"group-{number}")
        for name in members:
            population.conversations[name].append(conversation)
    return population
