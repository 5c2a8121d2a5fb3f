"""Tokens, the devices that hold them, and logging out."""

import base64
import hashlib
import hmac
import secrets
from typing import Literal

from msgspec import Struct, structs

from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Invalid, NotFound, Unauthenticated
from hongyan.kernel.ids import DeviceId, UserId, new_device_id, new_token_id

from .accounts import AccountPlan, Accounts, Reason, device_info
from .commands import (
    AccountDeactivated,
    Authenticate,
    CheckDevices,
    DeviceList,
    KickDevice,
    KickOtherDevices,
    ListDevices,
    LogOut,
    Refresh,
    RenameDevice,
    TokenReused,
    Tokens,
)
from .commands_admin import MintToken
from .live_devices import LiveDevices
from .model import (
    DEVICE_ADDED,
    DEVICE_CHANGED,
    Device,
    Platform,
    User,
)
from .ports import AccessTokens, Claims
from .rules import DEVICE_NAME_MAX, clean_line, hash_token

MINTED_MAX_S = 366 * 24 * 3600
Terminals = Literal["all", "one_per_platform", "one"]


class DevicePolicy(Struct, frozen=True):
    """The policy of tokens and devices."""

    access_ttl_s: int = 900
    refresh_ttl_s: int = 90 * 24 * 3600
    """A device that refreshed nothing for so long has to log in again; 0 for never."""
    grace_ms: int = 30_000
    """Milliseconds in which a lost answer to a refresh may be asked for again."""
    terminals: Terminals = "all"
    devices_max: int = 20
    """One more device removes the one that was away the longest."""


class Devices:
    """Lets devices in and out.

    Args:
        accounts: The users.
        access_tokens: Makes and reads access tokens.
        policy: Lifetimes and limits.
    """

    def __init__(
        self,
        accounts: Accounts,
        access_tokens: AccessTokens,
        policy: DevicePolicy,
    ) -> None:
        self._accounts = accounts
        self._records = accounts.records
        self._clock = accounts.clock
        self._access_tokens = access_tokens
        self._policy = policy
        self.devices_max = policy.devices_max
        self.live = LiveDevices()

    # --- coming in ---

    @handles(Authenticate)
    async def authenticate(self, _actor: Actor, command: Authenticate) -> Actor:
        """See ``Authenticate``."""
        claims = self._access_tokens.read(command.access_token)
        if claims is None or claims.expires_at_s * 1000 <= self._clock.now_ms():
            raise Unauthenticated("The access token is not valid; refresh it or log in.")
        admin = self.live.get(claims.user_id, claims.device_id)
        if admin is None:
            admin = await self._load(claims.user_id, claims.device_id)
        return Actor(claims.user_id, claims.device_id, admin)

    @handles(CheckDevices)
    async def check(self, _actor: Actor, command: CheckDevices) -> tuple[Actor | None, ...]:
        """See ``CheckDevices``; reads the rows, as what is remembered may be behind."""
        asked = command.devices
        devices = await self._records.get_many(Device, [(device_id,) for _, device_id in asked])
        users = await self._records.get_many(User, [(user_id,) for user_id, _ in asked])

        def now(user_id: UserId, device_id: DeviceId) -> Actor | None:
            device, user = devices.get(device_id), users.get(user_id)
            if device is None or device.user_id != user_id:
                return None
            if user is None or user.state != "active":
                return None
            return Actor(user_id, device_id, user.admin)

        return tuple(now(*one) for one in asked)

    async def _load(self, user_id: UserId, device_id: DeviceId) -> bool:
        changes = self.live.changes
        device = await self._records.get(Device, device_id)
        user = await self._records.get(User, user_id)
        if device is None or device.user_id != user_id or user is None or user.state != "active":
            raise Unauthenticated("This device was logged out; log in again.")
        self.live.add(user_id, device_id, user.admin, changes)
        return user.admin

    def open(
        self,
        plan: AccountPlan,
        user: User,
        platform: Platform,
        name: str,
        address: str,
        access_ttl_s: int = 0,
        device_id: DeviceId = DeviceId(""),  # noqa: B008
        app_password_id: str = "",
    ) -> Tokens:
        """Add a device to the plan and return its tokens, good once the plan is committed."""
        device_id = device_id or new_device_id()
        family, serial = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        refresh_token = f"{device_id}.{family}.{serial}"
        device = Device(
            device_id=device_id,
            user_id=user.user_id,
            platform=platform,
            name=name,
            family_hash=hash_token(family),
            refresh_hash=hash_token(refresh_token),
            rotated_at_ms=plan.now_ms,
            created_at_ms=plan.now_ms,
            seen_at_ms=plan.now_ms,
            address=address,
            app_password_id=app_password_id,
        )
        plan.put(device)
        plan.append(DEVICE_ADDED, device_info(device))
        return self._tokens(user, device_id, refresh_token, access_ttl_s)

    def _tokens(
        self, user: User, device_id: DeviceId, refresh_token: str, ttl_s: int = 0
    ) -> Tokens:
        ttl_s = ttl_s or self._policy.access_ttl_s
        now_s = self._clock.now_ms() // 1000
        claims = Claims(user.user_id, device_id, user.admin, now_s, now_s + ttl_s, new_token_id())
        access_token = self._access_tokens.issue(claims)
        return Tokens(user.user_id, device_id, access_token, ttl_s, refresh_token)

    @handles(MintToken)
    async def mint_token(self, actor: Actor, command: MintToken) -> Tokens:
        """See ``MintToken``."""
        name = clean_line(command.device_name, DEVICE_NAME_MAX, "device_name")
        if not 0 <= command.expires_in_s <= MINTED_MAX_S:
            raise Invalid("A token lives a year at most.", limit=MINTED_MAX_S)
        opened: list[Tokens] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            if user.state != "active":
                raise AccountDeactivated
            ttl_s = command.expires_in_s
            opened[:] = [self.open(plan, user, command.platform, name, actor.address, ttl_s)]

        await self._accounts.change(command.user_id, judge)
        return opened[0]

    # --- staying in ---

    @handles(Refresh)
    async def refresh(self, _actor: Actor, command: Refresh) -> Tokens:
        """See ``Refresh``."""
        device_id, _, rest = command.refresh_token[:256].partition(".")
        family_hash = hash_token(rest.partition(".")[0])
        device = await self._records.get(Device, device_id)
        if device is None:
            raise Unauthenticated("This device was logged out; log in again.")
        outcome: list[Tokens | TokenReused] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            device = await self._records.get(Device, device_id)
            if device is None or not hmac.compare_digest(device.family_hash, family_hash):
                raise Unauthenticated("This device was logged out; log in again.")
            if user.state != "active":
                raise AccountDeactivated
            outcome[:] = [self._exchange(plan, user, device, command.refresh_token)]

        await self._accounts.change(device.user_id, judge)
        if isinstance(outcome[0], TokenReused):
            raise outcome[0]
        return outcome[0]

    def _exchange(
        self, plan: AccountPlan, user: User, device: Device, token: str
    ) -> Tokens | TokenReused:
        """Plan what a token that was once this device's is worth now."""
        hashed = hash_token(token)
        age_ms = plan.now_ms - device.rotated_at_ms
        if hashed == device.refresh_hash:
            if 0 < self._policy.refresh_ttl_s * 1000 < age_ms:
                raise Unauthenticated("You were away for long; log in again.")
            salt = secrets.token_urlsafe(16)
            successor = _successor(token, salt)
            plan.put(
                structs.replace(
                    device,
                    refresh_hash=hash_token(successor),
                    previous_hash=hashed,
                    rotation_salt=salt,
                    rotated_at_ms=plan.now_ms,
                    seen_at_ms=plan.now_ms,
                )
            )
            return self._tokens(user, device.device_id, successor)
        if hashed == device.previous_hash and age_ms <= self._policy.grace_ms:
            return self._tokens(user, device.device_id, _successor(token, device.rotation_salt))
        plan.remove_device(device, "token_reused")
        return TokenReused()

    # --- devices ---

    @handles(ListDevices)
    async def list_devices(self, actor: Actor, _command: ListDevices) -> DeviceList:
        """See ``ListDevices``."""
        devices = await self._accounts.devices(actor.user_id)
        devices.sort(key=lambda device: (device.created_at_ms, device.device_id))
        return DeviceList([device_info(device) for device in devices], actor.device_id)

    @handles(RenameDevice)
    async def rename_device(self, actor: Actor, command: RenameDevice) -> Done:
        """See ``RenameDevice``."""
        name = clean_line(command.name, DEVICE_NAME_MAX, "device_name")

        async def judge(user: User, plan: AccountPlan) -> None:
            device = await self._own(user, command.device_id)
            renamed = structs.replace(device, name=name)
            plan.put(renamed)
            plan.append(DEVICE_CHANGED, device_info(renamed))

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return DONE

    @handles(KickDevice)
    async def kick_device(self, actor: Actor, command: KickDevice) -> Done:
        """See ``KickDevice``."""
        await self._remove(actor, command.device_id, "kicked")
        return DONE

    @handles(KickOtherDevices)
    async def kick_other_devices(self, actor: Actor, _command: KickOtherDevices) -> Done:
        """See ``KickOtherDevices``."""

        async def judge(user: User, plan: AccountPlan) -> None:
            for device in await self._accounts.devices(user.user_id):
                if device.device_id != actor.device_id:
                    plan.remove_device(device, "kicked")

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return DONE

    @handles(LogOut)
    async def log_out(self, actor: Actor, _command: LogOut) -> Done:
        """See ``LogOut``."""
        await self._remove(actor, actor.device_id, "logged_out")
        return DONE

    async def _remove(self, actor: Actor, device_id: DeviceId, reason: Reason) -> None:
        async def judge(user: User, plan: AccountPlan) -> None:
            plan.remove_device(await self._own(user, device_id), reason)

        await self._accounts.change(actor.user_id, judge, actor.user_id)

    async def _own(self, user: User, device_id: DeviceId) -> Device:
        device = await self._records.get(Device, device_id)
        if device is None or device.user_id != user.user_id:
            raise NotFound("You have no such device.")
        return device


def _successor(token: str, salt: str) -> str:
    """Return the token that follows this one.

    It follows from the spent token and a stored salt, so that the same exchange can be
    answered twice although only hashes are stored.
    """
    device_id, family, _ = token.split(".", 2)
    digest = hmac.digest(token.encode(), salt.encode(), hashlib.sha256)
    serial = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    return f"{device_id}.{family}.{serial}"
