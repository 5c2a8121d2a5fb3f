"""Accounts, devices and keys that are real; whatever else is asked is only remembered."""

import asyncio

import msgspec
import pytest
from tests.memory.store import MemoryStore
from tests.unit.access.memory_socket import MemorySocket
from tests.unit.quiet_hub import quiet_hub

from hongyan.access.admission import Admission, AdmissionOptions
from hongyan.access.native.session import Session, SessionEnvironment
from hongyan.access.rate_options import RateOptions
from hongyan.domain.admin.commands import NoteAct
from hongyan.domain.catalog import ROWS
from hongyan.domain.conversation.commands import Sync, Synced
from hongyan.domain.conversation.commands_archive import (
    Archived,
    Generation,
    GetArchive,
    GetGeneration,
)
from hongyan.domain.integration.commands import AuthenticateKey, CheckKeys, CreateKey
from hongyan.domain.integration.keys import Keys
from hongyan.domain.integration.scopes import SCOPES
from hongyan.domain.log.model import Committed
from hongyan.domain.media.commands import CreateUpload, Opened, OpenMedia, UploadInfo
from hongyan.domain.user.commands import Authenticate, CheckDevices
from hongyan.domain.user.commands_admin import CreateUser, MintToken
from hongyan.domain.user.commands_login_tokens import LogInWithToken, MakeLoginToken
from hongyan.domain.user.users import UserService
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.local.caches import Caches
from hongyan.infra.security.hasher import Argon2Hasher
from hongyan.infra.security.scram import ScramHasher
from hongyan.infra.security.tokens import JwtAccessTokens, JwtLoginTokens
from hongyan.infra.senders.mail import SmtpCodeSender
from hongyan.kernel.bus import ANONYMOUS, DONE
from hongyan.kernel.positions import token_of
from hongyan.kernel.tracing import TRACE
from hongyan.runtime.background import Tasks
from hongyan.wire.native.codec import JSON

OWN = (Authenticate, AuthenticateKey, CheckDevices, CheckKeys)
"""What admission itself asks; the services answer it."""
ALL_SCOPES = tuple(sorted(set(SCOPES.values())))
UNLIMITED = RateOptions(connection_per_s=0, address_per_s=0, user_per_s=0, key_per_s=0)


UPLOAD = UploadInfo("u1", 5, 0, 0)
OPENED = Opened("object", "etag", 5, "text/plain", "x.txt", False)
GENERATION = Generation("gen")
ANSWERS = {
    Sync: Synced(()),
    GetArchive: Archived((), token_of(0), False, "gen"),
    CreateUpload: UPLOAD,
    OpenMedia: OPENED,
}


class Line:
    """A native connection."""

    def __init__(self, admission):
        self.socket = MemorySocket()
        self.session = Session(SessionEnvironment(admission), self.socket, JSON)
        self.number = 0

    async def ask(self, method, params=None):
        """Return the answer's code; empty where it is a result."""
        self.number += 1
        sent = {"id": self.number, "method": method, "params": params or {}}
        self.session.received(msgspec.json.encode(sent))
        return await self.answer(self.number)

    async def answer(self, number):
        async with asyncio.timeout(5):
            while True:
                await asyncio.sleep(0)
                for one in reversed(self.socket.sent):
                    if one.get("id") == number:
                        return one.get("error", {}).get("code", "")


class Harness:
    """One process, as far as admission needs it."""

    def __init__(self, clock, hasher, rates=UNLIMITED, look_after_s=3600.0, tracer=None):
        self.clock, self.bus, self.asked, self.acts = clock, LocalBus(), [], []
        self.checks, self.sent, self.traces = 0, [], []
        store = MemoryStore(ROWS, self.bus.publish)
        secret = [b"k" * 32]
        users = UserService(
            store,
            store,
            clock,
            hasher,
            ScramHasher(hasher.threads),
            JwtAccessTokens(secret),
            SmtpCodeSender(),
            Tasks(),
            "open",
            login_tokens=JwtLoginTokens(secret),
        )
        self.keys = Keys(store, store, clock)
        for part in (*users.parts, self.keys):
            self.bus.serve(part)
        self.hub = quiet_hub()
        caches = Caches(self.bus)
        caches.add(users.cache)
        caches.add(self.keys.cache)
        self.bus.subscribe(Committed, self.hub.committed)
        options = AdmissionOptions(rates=rates, look_after_s=look_after_s)
        self.admission = Admission(self, clock, self.hub, options, tracer=tracer)

    async def call(self, actor, command):
        """Carry a command as the bus would, were there all services."""
        if isinstance(command, CheckDevices | CheckKeys):
            self.checks += 1
        if isinstance(command, OWN):
            return await self.bus.call(actor, command)
        if isinstance(command, NoteAct):
            self.acts.append((command.act, actor.key_id, actor.user_id))
            return DONE
        if isinstance(command, GetGeneration):  # of the server itself, to greet devices
            return GENERATION
        self.asked.append((type(command), actor))
        self.sent.append((getattr(command, "client_id", ""), actor))
        self.traces.append(TRACE.get())
        return ANSWERS.get(type(command), DONE)

    async def do(self, command):
        return await self.bus.call(ANONYMOUS, command)

    @staticmethod
    def encode(number, method, params):
        return msgspec.json.encode({"id": number, "method": method, "params": params})

    def line(self):
        return Line(self.admission)

    # --- who there may be ---

    async def user(self, name="ann", admin=False, bot=False):
        await self.do(CreateUser(user_id=name, handle=name, name=name, admin=admin, bot=bot))
        return name

    async def token(self, name):
        return (await self.do(MintToken(user_id=name, platform="cli"))).access_token

    async def widget_token(self, name):
        made = await self.do(MakeLoginToken(user_id=name, expires_in_s=60))
        return (await self.do(LogInWithToken(login_token=made.login_token))).access_token

    async def key(self, scopes=ALL_SCOPES, user_id="", lives_ms=0):
        ends = self.clock.now_ms() + lives_ms if lives_ms else 0
        made = CreateKey(name="shop", scopes=scopes, user_id=user_id, expires_at_ms=ends)
        return await self.do(made)


@pytest.fixture
def hasher():
    hasher = Argon2Hasher(memory_kib=8, iterations=1, threads=1)
    yield hasher
    hasher.close()


@pytest.fixture
async def worlds(clock, hasher):
    """Return what makes a world, with other rates and the like."""
    made = []

    def make(**options):
        made.append(Harness(clock, hasher, **options))
        return made[-1]

    yield make
    for harness in made:
        await harness.admission.close()


@pytest.fixture
def harness(worlds):
    return worlds()
