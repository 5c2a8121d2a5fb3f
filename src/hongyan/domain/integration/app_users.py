"""An app server's users: upserted, looked up, logged in, and bots."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, structs

from hongyan.domain.log.model import Commit, Duplicate, Put
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.user.commands import GetUsers, NoSuchUser, Tokens, UpdateProfile
from hongyan.domain.user.commands_admin import CreateUser, MintToken, SetContact
from hongyan.domain.user.commands_login_tokens import LoginToken, MakeLoginToken
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor, Caller, handles
from hongyan.kernel.errors import Conflict, Forbidden
from hongyan.kernel.ids import SYSTEM, DeviceId, UserId, external_user_id
from hongyan.kernel.turns import Turns

from .commands import CreateKey, NotABot, ScopeMissing
from .commands_app import (
    CreateBot,
    ExternalProfile,
    GetExternalUser,
    MintAppToken,
    MintLoginToken,
    NewBot,
    NoSuchExternalUser,
    Upserted,
    UpsertUser,
)
from .model import ExternalUser
from .rules import check_external_id

NAME_MAX = 64
PROFILE_FIELDS = ("name", "handle", "avatar", "bio", "locale")
CONTACT_FIELDS = ("email", "phone")
ITSELF = Actor(SYSTEM, DeviceId(""))
"""The actor that makes accounts for an app server: the server, as the act is noted already."""


class ExternalUsers:
    """Finds users by their external ids.

    Args:
        records: Where rows are read.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def find(self, external_ids: Sequence[str]) -> dict[str, UserId]:
        """Return the user ids by external id.

        Raises:
            NoSuchExternalUser: one is unknown.
        """
        wanted = list(dict.fromkeys(external_ids))
        found = await self._records.get_many(ExternalUser, [(one,) for one in wanted])
        for one in wanted:
            if one not in found:
                raise NoSuchExternalUser(external_id=one)
        return {one: found[one].user_id for one in wanted}

    async def get(self, external_id: str) -> User:
        """Return one user.

        Raises:
            NoSuchExternalUser: there is none.
        """
        user_id = (await self.find([external_id]))[external_id]
        user = await self._records.get(User, user_id)
        if user is None:
            raise NoSuchExternalUser(external_id=external_id)
        return user


class AppUsers:
    """Answers ``app.user_*``, ``app.mint_*`` and ``app.bot_create``.

    Args:
        caller: Reaches the user service.
        log: Where changes are committed.
        records: Where rows are read.
        people: Finds users by their external ids.
    """

    def __init__(self, caller: Caller, log: Log, records: Records, people: ExternalUsers) -> None:
        self._caller = caller
        self._log = log
        self._records = records
        self._people = people
        self._turns = Turns()

    @handles(UpsertUser)
    async def upsert(self, actor: Actor, command: UpsertUser) -> Upserted:
        """See ``UpsertUser``.

        The account comes first and its row of the external id after it: a crash between them
        is mended by the repetition, since the account's id follows from the external id.
        """
        check_external_id(command.external_id)
        async with self._turns.of(command.external_id):
            row = await self._records.get(ExternalUser, command.external_id)
            created = row is None and await self._create(actor, command)
            user_id = row.user_id if row is not None else external_user_id(command.external_id)
            if row is None:
                row = ExternalUser(external_id=command.external_id, user_id=user_id)
                try:
                    await self._log.commit(Commit(changes=(Put(row),)))
                except Duplicate as error:
                    raise Conflict("This account has another external id.") from error
            changed = await self._change(actor, user_id, command)
        if created:
            return Upserted(command.external_id, user_id, "created")
        return Upserted(command.external_id, user_id, "changed" if changed else "unchanged")

    async def _create(self, actor: Actor, command: UpsertUser) -> bool:
        """Make the account; return False where a broken-off attempt has made it already."""
        create = CreateUser(
            user_id=external_user_id(command.external_id),
            name=_text(command.name) or command.external_id[:NAME_MAX],
            locale=_text(command.locale),
            bot=command.bot,
            handle=_text(command.handle) or None,
            email=_text(command.email) or None,
            phone=_text(command.phone) or None,
        )
        try:
            await self._caller.call(ITSELF, create)
        except Conflict as refusal:
            if refusal.code != Conflict.code:  # a handle, an address or a number is taken
                raise
            return False
        return True

    async def _change(self, actor: Actor, user_id: UserId, command: UpsertUser) -> bool:
        user = await self._records.get(User, user_id)
        if user is None or user.state == "deleted":
            raise NoSuchUser
        profile = _differences(user, command, PROFILE_FIELDS)
        contact = _differences(user, command, CONTACT_FIELDS)
        if profile:
            owner = Actor(user_id, DeviceId(""), address=actor.address, key_id=actor.key_id)
            await self._caller.call(owner, UpdateProfile(**profile))
        if contact:
            await self._caller.call(ITSELF, SetContact(user_id=user_id, **contact))
        if not profile and not contact:
            return False
        return await self._records.get(User, user_id) != user

    @handles(GetExternalUser)
    async def get(self, actor: Actor, command: GetExternalUser) -> ExternalProfile:
        """See ``GetExternalUser``."""
        user = await self._people.get(command.external_id)
        page = await self._caller.call(actor, GetUsers(user_ids=[user.user_id]))
        return ExternalProfile(command.external_id, page.users[0])

    @handles(MintAppToken)
    async def mint_token(self, actor: Actor, command: MintAppToken) -> Tokens:
        """See ``MintAppToken``."""
        user = await self._people.get(command.external_id)
        if user.admin:
            raise Forbidden("An administrator logs in in person.")
        mint = MintToken(
            user_id=user.user_id,
            platform=command.platform,
            device_name=command.device_name,
            expires_in_s=command.expires_in_s,
        )
        itself = structs.replace(ITSELF, address=actor.address)
        return await self._caller.call(itself, mint)

    @handles(MintLoginToken)
    async def mint_login_token(self, actor: Actor, command: MintLoginToken) -> LoginToken:
        """See ``MintLoginToken``."""
        user = await self._people.get(command.external_id)
        if user.admin:
            raise Forbidden("An administrator logs in in person.")
        peer = command.peer
        make = MakeLoginToken(
            user_id=user.user_id,
            peer_id=(await self._people.get(peer)).user_id if peer else UserId(""),
            expires_in_s=command.expires_in_s,
        )
        return await self._caller.call(structs.replace(ITSELF, address=actor.address), make)

    @handles(CreateBot)
    async def create_bot(self, actor: Actor, command: CreateBot) -> NewBot:
        """See ``CreateBot``."""
        for scope in command.scopes:
            if actor.key_id and scope not in actor.scopes:
                raise ScopeMissing(needs=scope)
        upsert = UpsertUser(external_id=command.external_id, name=command.name, bot=True)
        made = await self.upsert(actor, upsert)
        user = await self._records.get(User, made.user_id)
        if user is None or not user.bot:
            raise NotABot
        create = CreateKey(
            name=f"bot {command.name}"[:NAME_MAX],
            scopes=command.scopes,
            user_id=made.user_id,
            expires_at_ms=command.expires_at_ms,
        )
        return NewBot(command.external_id, made.user_id, await self._caller.call(actor, create))


def _differences(user: User, command: UpsertUser, names: Sequence[str]) -> dict[str, Any]:
    """Return what is given and is not so already, as far as is known before cleaning."""
    given = structs.asdict(command)
    return {
        name: given[name]
        for name in names
        if given[name] is not UNSET and given[name] != getattr(user, name)
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
