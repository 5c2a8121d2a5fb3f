"""Who is there: users with devices, direct conversations and groups, made before the start."""

import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.prepare import Preparation

from hongyan.app.composition import Embedded
from hongyan.app.settings import ServerSettings, Settings, prepare_data_dir
from hongyan.infra.local.folder import FolderLock
from hongyan.kernel.ids import UserId

GROUP_SIZES = (3, 5, 8, 12)
PEERS = 2


@dataclass
class World:
    """Tokens by user (one for each device), and each user's conversations."""

    tokens: dict[str, list[str]]
    conversations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


async def make_world(data_dir: Path, users: int) -> World:
    """Fill an empty data folder."""
    settings = Settings(server=ServerSettings(data_dir=str(data_dir)))
    prepare_data_dir(data_dir)
    with FolderLock(data_dir):
        embedded = await Embedded.open(settings)
        try:
            return await _fill(Preparation(embedded), users)
        finally:
            await embedded.close()


async def _fill(made: Preparation, count: int) -> World:
    people = await made.users(count)
    names = [name for name, _ in people]
    world = World({name: [token] for name, token in people})
    for place, name in enumerate(names):
        for _ in range(place % 3 // 2 + place % 5 // 4):  # one device, some have two, few three
            world.tokens[name].append(await made.device(name))
    pairs = {
        tuple(sorted((name, names[(place + step) % count]), key=names.index))
        for place, name in enumerate(names)
        for step in range(1, PEERS + 1)
    }
    chosen = sorted((UserId(one), UserId(other)) for one, other in pairs)
    for pair, conversation in zip(chosen, await made.direct(chosen), strict=True):
        for name in pair:
            world.conversations[name].append(conversation)
    sizes = itertools.cycle(GROUP_SIZES)
    for number in range(max(2, count // 6)):
        members = random.sample(names, min(next(sizes), count))
        conversation = await made.group(members, f"group-{number}")
        for name in members:
            world.conversations[name].append(conversation)
    return world
