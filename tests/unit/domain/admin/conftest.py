"""A whole server without doors: all services on a store, with a clock that stands still."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import FakeClock, Store

from hongyan.app.composition.services import Services
from hongyan.app.settings.sections import MessageSettings, Secrets, Settings, UserSettings
from hongyan.domain.admin.ports import NoDeliveries, NoUsage
from hongyan.domain.log.model import Committed
from hongyan.domain.message.commands import SendMessage
from hongyan.domain.message.model import Text
from hongyan.domain.user.commands_admin import CreateUser
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import Actor, Command
from hongyan.kernel.ids import SYSTEM, DeviceId, UserId
from hongyan.runtime.catching_up import catch_up

OPERATOR = Actor(SYSTEM, DeviceId(""), admin=True, address="control")
SECRETS = Secrets(access_token_key="ab" * 32)
PASSWORD = "plum blossom 7"


class Told(list[Committed]):
    """What the store has told; ``listener`` hears it too."""

    def __init__(self) -> None:
        super().__init__()
        self.listener: Callable[[Committed], None] = lambda _: None

    def append(self, event: Committed) -> None:
        super().append(event)
        self.listener(event)


@pytest.fixture
def committed() -> Told:
    return Told()


class Harness:
    """Services and what is needed to use them."""

    def __init__(self, store: Store, clock: FakeClock, told: Told) -> None:
        self.told = told
        self.store = store
        self.clock = clock
        self.retention_days = 0
        self.sent = 0
        self.build()

    def build(self) -> None:
        """Make the services anew, as a restart does."""
        settings = Settings(
            users=UserSettings(argon2_memory_kib=8, argon2_passes=1, argon2_threads=1),
            messages=MessageSettings(retention_days=self.retention_days),
        )
        self.bus = LocalBus()
        self.told.listener = self.bus.publish
        self.services = Services(
            settings,
            SECRETS,
            self.store,
            self.bus,
            self.clock,
            usage=NoUsage(),
            deliveries=NoDeliveries(),
        )

    async def close(self) -> None:
        await self.services.close()

    async def do(self, who: str, command: Command[Any]) -> Any:
        return await self.bus.call(Actor(UserId(who), DeviceId("v" + who)), command)

    async def operate(self, command: Command[Any]) -> Any:
        return await self.bus.call(OPERATOR, command)

    async def add(self, *names: str) -> None:
        """Make users whose id is their name."""
        for name in names:
            await self.operate(
                CreateUser(user_id=UserId(name), handle=name, name=name.title(), password=PASSWORD)
            )

    async def say(self, who: str, where: str, text: str = "hi", **more: Any) -> int:
        """Send a text and return its seq."""
        self.sent += 1
        command = SendMessage(
            conversation_id=where, client_id=f"c{self.sent}", content=Text(text), **more
        )
        return int((await self.do(who, command)).seq)

    async def run(self, name: str) -> int:
        """Run the job of this part until it has nothing more to do; return how much it did."""
        total = 0
        jobs = self.services.works.jobs
        (run,) = [job.run for job in jobs if type(job.run.__self__).__name__ == name]  # type: ignore[attr-defined]
        while done := await run(self.clock.now_ms()):
            total += done
        return total

    async def count(self) -> None:
        """Let the statistics come to the end of the feed."""
        await catch_up(self.store, self.services.counting.reader, self.clock)


@pytest.fixture
async def harness(store: Store, clock: FakeClock, committed: Told) -> Any:
    harness = Harness(store, clock, committed)
    yield harness
    await harness.close()
