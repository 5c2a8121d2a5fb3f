"""Whatever remembers rows is registered, and is told of commits, here and from elsewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import FakeClock
from tests.memory.store import MemoryStore

import hongyan.domain
from hongyan.app.composition.services import Services
from hongyan.app.settings.sections import Secrets, Settings, UserSettings
from hongyan.domain.admin.ports import NoDeliveries, NoUsage
from hongyan.domain.catalog import ROWS
from hongyan.domain.conversation.commands import OpenDirect
from hongyan.domain.integration.commands import AuthenticateKey, CreateKey, RevokeKey
from hongyan.domain.log.model import Missed
from hongyan.domain.message.commands import FriendsOnly, SendMessage
from hongyan.domain.message.model import Text
from hongyan.domain.user.commands import Authenticate, LogIn, LogOut, UpdateProfile
from hongyan.domain.user.commands_admin import CreateUser
from hongyan.domain.user.model import Privacy
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import Actor, Command
from hongyan.kernel.errors import Unauthenticated
from hongyan.kernel.ids import ConversationId, DeviceId, UserId

PASSWORD = "plum blossom 7"
DOMAIN = Path(hongyan.domain.__file__).parent
CONTAINERS = {"OrderedDict", "dict", "set", "defaultdict", "deque", "list", "Counter", "lru_cache"}
REMEMBER_NO_ROWS = {
    "Audit": "the time of the last write",
    "Pair": "one decision about two people, no longer than a request",
    "AccountPlan": "one decision about a user, no longer than a request",
    "ProfileSignals": "profiles that will be published in a moment; the rows are read then",
    "GroupChange": "one decision about a group, no longer than a request",
    "Sending": "the order of one sender's messages; the rows are in SendContexts",
    "Reach": "memberships at a place of the feed; it follows the entries themselves",
    "Throttle": "attempts, which no row holds",
    "Webhooks": "readers; the runtime asks for them anew, see Works",
    "ChangeWindow": "entries of the feed, which never change their place",
}
"""Classes of the domain that hold something, and why nobody need tell them of commits."""


def holders() -> Iterator[str]:
    """Yield the classes of the domain whose objects begin with something that can grow.

    It fails to see what is made elsewhere than in ``__init__``, or by a class of our own.
    """
    for path in DOMAIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any(map(_holds, _begins(node))):
                yield node.name


def _begins(node: ast.ClassDef) -> Iterator[ast.expr]:
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            for one in ast.walk(method):
                if isinstance(one, ast.Assign | ast.AnnAssign) and one.value is not None:
                    targets = one.targets if isinstance(one, ast.Assign) else [one.target]
                    if any(isinstance(target, ast.Attribute) for target in targets):
                        yield one.value


def _holds(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp):
        return True
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Name) and called.id in CONTAINERS


class Harness:
    """Two processes on one store: what the first one commits is told to itself alone."""

    def __init__(self) -> None:
        self.buses = [LocalBus(), LocalBus()]
        self.store = MemoryStore(ROWS, self.buses[0].publish)
        settings = Settings(users=UserSettings(argon2_memory_kib=8, argon2_passes=1))
        secrets = Secrets(access_token_key="ab" * 32)
        clock = FakeClock()
        self.services = [
            Services(
                settings,
                secrets,
                self.store,
                bus,
                clock,
                usage=NoUsage(),
                deliveries=NoDeliveries(),
            )
            for bus in self.buses
        ]
        self.sent = 0

    async def do(self, who: str, command: Command[Any], process: int = 0) -> Any:
        actor = Actor(UserId(who), DeviceId("v" + who), admin=who == "root")
        return await self.buses[process].call(actor, command)

    async def add(self, *names: str) -> None:
        for name in names:
            made = CreateUser(
                user_id=UserId(name), handle=name, name=name.title(), password=PASSWORD
            )
            await self.do("root", made)

    async def say(self, who: str, where: ConversationId, process: int) -> None:
        self.sent += 1
        command = SendMessage(conversation_id=where, client_id=f"c{self.sent}", content=Text("hi"))
        await self.do(who, command, process)


@pytest.fixture
async def harness() -> Any:
    made = Harness()
    yield made
    for services in made.services:
        await services.close()


async def test_whatever_may_remember_rows_is_registered(harness: Harness) -> None:
    registered = {
        type(cache.committed.__self__).__name__  # type: ignore[attr-defined]
        for cache in harness.services[0].caches.all
    }
    found = set(holders())
    assert found - registered == set(REMEMBER_NO_ROWS), (
        "register a Cache in app/composition/services.py, or say here why it remembers no rows"
    )
    assert {"Burning", "Keys", "LiveDevices", "SendContexts", "Works"} <= registered


async def test_who_may_write_is_known_anew_when_it_was_told_or_missed(harness: Harness) -> None:
    await harness.add("li", "wang")
    where = (await harness.do("li", OpenDirect(user_id=UserId("wang")))).conversation_id
    for process in (0, 1):
        await harness.say("li", where, process)
    await harness.do("wang", UpdateProfile(privacy=Privacy(who_may_write="friends")))
    with pytest.raises(FriendsOnly):
        await harness.say("li", where, 0)
    await harness.say("li", where, 1)  # it was not told, and remembers
    harness.buses[1].publish(Missed())
    with pytest.raises(FriendsOnly):
        await harness.say("li", where, 1)


async def test_a_device_is_known_to_be_gone_when_it_was_told_or_missed(harness: Harness) -> None:
    await harness.add("li")
    tokens = await harness.do("", LogIn(identifier="li", password=PASSWORD))
    command = Authenticate(access_token=tokens.access_token)
    for process in (0, 1):
        await harness.do("", command, process)
    actor = Actor(UserId("li"), tokens.device_id)
    await harness.buses[0].call(actor, LogOut())
    with pytest.raises(Unauthenticated):
        await harness.do("", command, 0)
    await harness.do("", command, 1)
    harness.buses[1].publish(Missed())
    with pytest.raises(Unauthenticated):
        await harness.do("", command, 1)


async def test_a_key_is_known_to_be_revoked_when_it_was_told_or_missed(harness: Harness) -> None:
    made = await harness.do("root", CreateKey(name="shop", scopes=("users:read",)))
    command = AuthenticateKey(key=made.key)
    for process in (0, 1):
        await harness.do("", command, process)
    await harness.do("root", RevokeKey(key_id=made.info.key_id))
    with pytest.raises(Unauthenticated):
        await harness.do("", command, 0)
    await harness.do("", command, 1)
    harness.buses[1].publish(Missed())
    with pytest.raises(Unauthenticated):
        await harness.do("", command, 1)
