"""A user service over either store, with a hasher and a postman that can be watched."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from hongyan.domain.log.model import Committed
from hongyan.domain.user.commands import LogIn, ProfileChanged, Register, Tokens
from hongyan.domain.user.model import Device
from hongyan.domain.user.users import UserService
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.security.scram import ScramHasher
from hongyan.infra.security.threads import HashingThreads
from hongyan.infra.security.tokens import JwtAccessTokens
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Unavailable
from hongyan.kernel.ids import DeviceId, UserId, user_log
from hongyan.runtime.background import Tasks

PASSWORD = "correct horse"
KEY = b"k" * 32
THREADS = HashingThreads(1)


class Told(list[Committed]):
    """What the store has told, which can also be listened to."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: list[Callable[[Committed], None]] = []

    def append(self, event: Committed) -> None:
        super().append(event)
        for listener in self.listeners:
            listener(event)


@pytest.fixture
def committed() -> Told:
    return Told()


class WatchedHasher:
    """Hashes without hashing, and writes down what it was asked."""

    def __init__(self) -> None:
        self.version = 1
        self.asked: list[str] = []
        self.trouble: Exception | None = None

    async def hash(self, password: str) -> str:
        self.asked.append("hash")
        if self.trouble:
            raise self.trouble
        return f"{self.version}:{password}"

    async def verify(self, hashed: str | None, password: str) -> bool:
        self.asked.append("verify")
        if self.trouble:
            raise self.trouble
        return hashed is not None and hashed.partition(":")[2] == password

    def is_outdated(self, hashed: str) -> bool:
        return not hashed.startswith(f"{self.version}:")


class WatchedPostman:
    def __init__(self) -> None:
        self.is_configured = True
        self.is_broken = False
        self.sent: list[tuple[str, str, int, str]] = []

    async def send(self, email: str, code: str, minutes: int, locale: str) -> None:
        if self.is_broken:
            raise Unavailable
        self.sent.append((email, code, minutes, locale))


class Harness:
    def __init__(self, store: Any, clock: Any, told: Told, **settings: Any) -> None:
        self.store = store
        self.clock = clock
        self.hasher = WatchedHasher()
        self.postman = WatchedPostman()
        self.access_tokens = JwtAccessTokens([KEY])
        self.bus = LocalBus()
        self.published: list[Any] = []
        self.bus.subscribe(ProfileChanged, self.published.append)
        self.background = Tasks()
        settings = {"registration": "open", "publisher": self.bus} | settings
        self.service = UserService(
            store,
            store,
            clock,
            self.hasher,
            ScramHasher(THREADS),
            self.access_tokens,
            self.postman,
            self.background,
            **settings,
        )
        told.listeners = [self.service.cache.committed]
        for part in self.service.parts:
            self.bus.serve(part)

    async def call(self, who: Any, command: Any, address: str = "") -> Any:
        """Let somebody call: tokens, a user id, or None for nobody."""
        self.clock.advance(1)
        if isinstance(who, Tokens):
            actor = Actor(who.user_id, who.device_id, address=address)
        else:
            actor = Actor(UserId(who or ""), DeviceId(""), address=address)
        return await self.bus.call(actor, command)

    async def register(self, handle: str, **more: Any) -> Tokens:
        password = more.pop("password", PASSWORD)
        return await self.call(None, Register(handle=handle, password=password, **more))

    async def log_in(self, identifier: str, password: str = PASSWORD, **more: Any) -> Tokens:
        address = more.pop("address", "")
        command = LogIn(identifier=identifier, password=password, **more)
        return await self.call(None, command, address)

    async def entries(self, user_id: str) -> list[tuple[str, Any]]:
        log_id = user_log(UserId(user_id))
        entries = await self.store.read(log_id, 1, 10_000, 10_000)
        return [(entry.kind, msgspec.json.decode(entry.body)) for entry in entries]

    async def kinds(self, user_id: str) -> list[str]:
        return [kind for kind, _ in await self.entries(user_id)]

    async def removed(self, user_id: str) -> list[tuple[str, str]]:
        """The devices that were removed, and why."""
        return [
            (body["device_id"], body["reason"])
            for kind, body in await self.entries(user_id)
            if kind == "device.removed"
        ]

    async def device_ids(self, user_id: str) -> set[str]:
        return {d.device_id for d in await self.store.scan(Device, user_id, by="by_user")}


@pytest.fixture
def make_harness(store: Any, clock: Any, committed: Told) -> Callable[..., Harness]:
    def make(**settings: Any) -> Harness:
        return Harness(store, clock, committed, **settings)

    return make


@pytest.fixture
def harness(make_harness: Callable[..., Harness]) -> Harness:
    return make_harness()
