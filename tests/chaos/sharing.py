"""Files in the play: some devices send them, others fetch what they are shown."""

import asyncio
import hashlib
import math
import random
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from .checker_files import Download, File
from .device import Device
from .transfer import Transfers

SIZE_BYTES = (10_000, 2_000_000)
KNOWN = 0.15
"""How often a file is sent whose bytes others send too."""
KNOWN_FILES = 5
FETCH = 0.3
"""How often a device fetches a file that it is shown."""
FETCHERS = 3
WAITING_MAX = 100
AT_ONCE = 8


class Sharing:
    """Sends, fetches, and remembers what came of it.

    Args:
        transfers: Carries the bytes.
        tokens: By device: its access token.
    """

    def __init__(self, transfers: Transfers, tokens: Mapping[str, str]) -> None:
        self._transfers = transfers
        self._tokens = tokens
        self._shown: asyncio.Queue[tuple[Device, str]] = asyncio.Queue(WAITING_MAX)
        self._seeds = [random.getrandbits(64) for _ in range(KNOWN_FILES)]
        self.files: list[File] = []
        self.downloads: list[Download] = []

    async def live(
        self, device: Device, stopping: asyncio.Event, pause_s: tuple[float, float]
    ) -> None:
        """Upload files and show them, until told to stop; finish what was begun."""
        while not stopping.is_set():
            await asyncio.sleep(random.uniform(*pause_s))
            data = self._compose()
            media_id = await self._transfers.upload(self._tokens[device.name], data)
            if not media_id:
                continue
            file = File(media_id, hashlib.sha256(data).hexdigest(), device.user_id)
            place = len(self.files)
            self.files.append(file)
            conversation_id = random.choice(device.conversations)
            await device.show(conversation_id, media_id)
            self.files[place] = replace(file, conversation_id=conversation_id)

    def _compose(self) -> bytes:
        known = random.random() < KNOWN
        source = random.Random(random.choice(self._seeds) if known else None)
        low, high = map(math.log, SIZE_BYTES)
        return source.randbytes(int(math.exp(source.uniform(low, high))))

    def noticed(self, device: Device, entry: dict[str, Any]) -> None:
        """Take note of a file that a device is shown; it may be fetched soon."""
        if entry["kind"] != "message" or entry["sender"] == device.user_id:
            return
        content = entry["body"]["content"]
        is_file = content is not None and content["type"] == "file"
        if is_file and random.random() < FETCH and not self._shown.full():
            self._shown.put_nowait((device, content["media_id"]))

    async def fetch(self) -> None:
        """Fetch what devices are shown, a few at a time, until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(FETCHERS):
                group.create_task(self._fetch())

    async def _fetch(self) -> None:
        while True:
            device, media_id = await self._shown.get()
            await self._download(device, media_id, at_end=False)

    async def fetch_all(self, of_user: Mapping[str, Device], members: dict[str, set[str]]) -> None:
        """Let each file be fetched by its owner, by another who sees it, and by a stranger."""
        sees: dict[str, set[str]] = {}
        for file in self.files:
            sees.setdefault(file.media_id, {file.owner_id})
            sees[file.media_id] |= members.get(file.conversation_id, set())
        wanted = [
            (of_user[user_id], media_id)
            for media_id, users in sees.items()
            for user_id in self._sample(media_id, users, of_user)
        ]
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(device: Device, media_id: str) -> None:
            async with slots:
                await self._download(device, media_id, at_end=True)

        await asyncio.gather(*[one(*what) for what in wanted])

    def _sample(self, media_id: str, users: set[str], everybody: Collection[str]) -> list[str]:
        owner = next(file.owner_id for file in self.files if file.media_id == media_id)
        others, strangers = sorted(users - {owner}), sorted(set(everybody) - users)
        return [owner, *random.sample(others, min(1, len(others))), *strangers[:1]]

    async def _download(self, device: Device, media_id: str, at_end: bool) -> None:
        sha256 = await self._transfers.download(self._tokens[device.name], media_id)
        self.downloads.append(Download(media_id, device.user_id, sha256, at_end))
