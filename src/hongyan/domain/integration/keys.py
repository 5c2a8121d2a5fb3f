"""API keys: made, listed, revoked, and believed."""

import hashlib
import hmac
import os
import secrets
from collections import OrderedDict

from msgspec import Struct, structs

from hongyan.domain.log.caches import Cache
from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Append,
    Change,
    Commit,
    Committed,
    Missed,
    Precondition,
    Put,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.user.commands import NoSuchUser
from hongyan.domain.user.model import DEVICE_REMOVED, USER_CHANGED, DeviceRemoved, User
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Forbidden, Invalid
from hongyan.kernel.ids import SYSTEM, DeviceId, UserId, log_owner, user_log
from hongyan.kernel.limits import check_length
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .commands import (
    KEY_PREFIX,
    AuthenticateKey,
    CheckKeys,
    CreateKey,
    KeyPage,
    KeyUnknown,
    ListKeys,
    NewKey,
    NoSuchKey,
    NoSuchOne,
    NotABot,
    RevokeKey,
)
from .model import KEY_CHANGED, SYSTEM_LOG, ApiKey, ExternalUser, KeyInfo, KeyUse
from .rules import EXTERNAL_ID_MAX, NAME_MAX

KEPT = 10_000
USE_EVERY_MS = 60_000


class _Remembered(Struct):
    """A key that was read, and when its use was last written down."""

    key: ApiKey
    used_at_ms: int = 0


class Keys:
    """Answers ``key.*``; ``cache`` is to be registered.

    Args:
        log: Where changes are committed.
        records: Where rows are read.
        clock: The time of day.
    """

    def __init__(self, log: Log, records: Records, clock: Clock) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._keys: OrderedDict[str, _Remembered] = OrderedDict()
        self._people: OrderedDict[str, UserId] = OrderedDict()
        self._names: dict[UserId, set[str]] = {}
        self._changes = 0
        self.cache = Cache((KEY_CHANGED, USER_CHANGED), self._committed, self._missed)

    @handles(CreateKey)
    async def create(self, actor: Actor, command: CreateKey) -> NewKey:
        """See ``CreateKey``."""
        now_ms = self._clock.now_ms()
        check_length("name", command.name.strip(), NAME_MAX, least=1)
        if not command.scopes:
            raise Invalid("Give the key a scope.", field="scopes")
        if command.expires_at_ms < 0 or 0 < command.expires_at_ms <= now_ms:
            raise Invalid("The expiry has passed already.", field="expires_at_ms")
        if command.user_id:
            user = await self._records.get(User, command.user_id)
            if user is None or user.state != "active":
                raise NoSuchUser
            if not user.bot:
                raise NotABot
        secret = secrets.token_urlsafe(32)
        key = ApiKey(
            key_id="k" + os.urandom(8).hex(),
            name=command.name.strip(),
            secret_hash=_hash(secret),
            scopes=tuple(sorted(set(command.scopes))),
            user_id=command.user_id,
            created_by=actor.user_id,
            created_at_ms=now_ms,
            expires_at_ms=command.expires_at_ms,
        )
        await self._log.commit(Commit((self._apply(actor, key),), (Put(key),)))
        return NewKey(f"{KEY_PREFIX}{key.key_id}_{secret}", key_info(key))

    @handles(ListKeys)
    async def list(self, _actor: Actor, command: ListKeys) -> KeyPage:
        """See ``ListKeys``."""
        check_page(command.limit)
        after = read_page_token(command.after, str)
        found = await self._records.scan(ApiKey, after=after, limit=command.limit)
        uses = await self._records.get_many(KeyUse, [(key.key_id,) for key in found])
        full = len(found) == command.limit
        return KeyPage(
            tuple(key_info(key, uses.get(key.key_id)) for key in found),
            write_page_token(found[-1].key_id) if full else "",
        )

    @handles(RevokeKey)
    async def revoke(self, actor: Actor, command: RevokeKey) -> KeyInfo:
        """See ``RevokeKey``."""
        revoked: list[ApiKey] = []

        async def attempt() -> Commit:
            head = (await self._log.states([SYSTEM_LOG]))[SYSTEM_LOG]
            key = await self._records.get(ApiKey, command.key_id)
            if key is None:
                raise NoSuchKey
            revoked[:] = [key]
            if key.revoked_at_ms:
                return Commit()
            revoked[:] = [structs.replace(key, revoked_at_ms=self._clock.now_ms())]
            appends = [self._apply(actor, revoked[0])]
            if key.user_id:  # cuts what the key has connected
                body = encode_body(DeviceRemoved(DeviceId(key.key_id), "kicked"))
                log_id, now_ms = user_log(key.user_id), revoked[0].revoked_at_ms
                appends.append(Append(log_id, DEVICE_REMOVED, actor.user_id, body, now_ms))
            changes: tuple[Change, ...] = (Put(revoked[0]),)
            return Commit(tuple(appends), changes, (Precondition(SYSTEM_LOG, head.version),))

        await decide(self._log, attempt)
        return key_info(revoked[0], await self._records.get(KeyUse, command.key_id))

    @handles(AuthenticateKey)
    async def authenticate(self, _actor: Actor, command: AuthenticateKey) -> Actor:
        """See ``AuthenticateKey``."""
        key_id, _, secret = command.key.removeprefix(KEY_PREFIX)[:256].partition("_")
        remembered = await self._key(key_id)
        now_ms = self._clock.now_ms()
        if remembered is None or not hmac.compare_digest(remembered.key.secret_hash, _hash(secret)):
            raise KeyUnknown
        key = remembered.key
        if not _is_good(key, now_ms):
            raise KeyUnknown("This API key is expired or revoked.")
        if now_ms - remembered.used_at_ms >= USE_EVERY_MS:
            remembered.used_at_ms = now_ms
            use = KeyUse(key_id=key.key_id, at_ms=now_ms, address=command.address)
            await self._log.commit(Commit(changes=(Put(use),)))
        return await self._actor_of(key, command)

    async def _actor_of(self, key: ApiKey, command: AuthenticateKey) -> Actor:
        if key.user_id:
            if command.on_behalf_of:
                raise Forbidden("A bot's key acts for the bot alone.")
            if await self._person(key.user_id) is None:
                raise KeyUnknown("The bot's account is not active.")
            return _holder(key, key.user_id, command.address)
        if not command.on_behalf_of:
            return _holder(key, SYSTEM, command.address)
        user_id = await self._person(command.on_behalf_of)
        if user_id is None:
            raise NoSuchOne
        return _holder(key, user_id, command.address)

    @handles(CheckKeys)
    async def check(self, _actor: Actor, command: CheckKeys) -> tuple[Actor | None, ...]:
        """See ``CheckKeys``; reads the rows, as what is remembered may be behind."""
        asked, now_ms = command.holders, self._clock.now_ms()
        keys = await self._records.get_many(ApiKey, [(key_id,) for key_id, _ in asked])
        users = await self._records.get_many(User, [(user_id,) for _, user_id in asked])

        def now(key_id: str, user_id: UserId) -> Actor | None:
            key, user = keys.get(key_id), users.get(user_id)
            if key is None or not _is_good(key, now_ms) or key.user_id not in ("", user_id):
                return None
            if user_id != SYSTEM and (user is None or user.state != "active"):
                return None
            return _holder(key, user_id)

        return tuple(now(*one) for one in asked)

    async def _key(self, key_id: str) -> _Remembered | None:
        found = self._keys.get(key_id)
        if found is not None:
            self._keys.move_to_end(key_id)
            return found
        changes = self._changes
        key = await self._records.get(ApiKey, key_id)
        if key is None:
            return None
        use = await self._records.get(KeyUse, key_id)
        found = _Remembered(key, use.at_ms if use is not None else 0)
        if changes == self._changes:
            self._keys[key_id] = found
            if len(self._keys) > KEPT:
                self._keys.popitem(last=False)
        return found

    async def _person(self, name: str) -> UserId | None:
        """Return the active user with this external id or, where none has it, this user id."""
        found = self._people.get(name)
        if found is not None:
            self._people.move_to_end(name)
            return found
        if len(name) > EXTERNAL_ID_MAX:
            return None
        changes = self._changes
        external = await self._records.get(ExternalUser, name)
        user_id = external.user_id if external is not None else UserId(name)
        user = await self._records.get(User, user_id)
        if user is None or user.state != "active":
            return None
        if changes == self._changes:
            self._people[name] = user_id
            self._names.setdefault(user_id, set()).add(name)
            if len(self._people) > KEPT:
                gone, who = self._people.popitem(last=False)
                self._names.pop(who, set()).discard(gone)
        return user_id

    def _committed(self, event: Committed) -> None:
        """Forget keys and people that a commit changed."""
        for entry in event.entries:
            if entry.kind == KEY_CHANGED:
                self._changes += 1
                self._keys.clear()
            elif entry.kind == USER_CHANGED and self._people:
                self._changes += 1
                owner = log_owner(entry.log_id)
                for name in self._names.pop(owner, ()) if owner is not None else ():
                    self._people.pop(name, None)

    def _missed(self, _event: Missed) -> None:
        """Forget all keys and people."""
        self._changes += 1
        self._keys.clear()
        self._people.clear()
        self._names.clear()

    def _apply(self, actor: Actor, key: ApiKey) -> Append:
        body = encode_body(key_info(key))
        now_ms = self._clock.now_ms()
        return Append(SYSTEM_LOG, KEY_CHANGED, actor.user_id, body, now_ms, changes_rules=True)


def _is_good(key: ApiKey, now_ms: int) -> bool:
    return not key.revoked_at_ms and not 0 < key.expires_at_ms <= now_ms


def _holder(key: ApiKey, user_id: UserId, address: str = "") -> Actor:
    """Return who asks with this key for that user; ``system`` is the app server itself."""
    return Actor(
        user_id,
        DeviceId(key.key_id if key.user_id else ""),
        user_id == SYSTEM,
        address,
        key.key_id,
        key.scopes,
        expires_at_ms=key.expires_at_ms,
    )


def key_info(key: ApiKey, use: KeyUse | None = None) -> KeyInfo:
    """Return what administrators see of the row."""
    return KeyInfo(
        key.key_id,
        f"{KEY_PREFIX}{key.key_id}_",
        key.name,
        key.scopes,
        key.user_id,
        key.created_by,
        key.created_at_ms,
        key.expires_at_ms,
        key.revoked_at_ms,
        use.at_ms if use is not None else 0,
        use.address if use is not None else "",
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
