"""Logging widgets in with tokens that app servers mint."""

from typing import Final

from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.errors import Invalid, NotFound
from hongyan.kernel.ids import UserId, new_widget_id

from .accounts import AccountPlan, Accounts
from .commands import AccountDeactivated, NoSuchUser, Tokens
from .commands_login_tokens import (
    LoginToken,
    LoginTokenInvalid,
    LogInWithToken,
    MakeLoginToken,
    ReadLoginToken,
)
from .devices import Devices
from .model import Device, User
from .ports import LoginClaims, LoginTokens
from .rules import DEVICE_NAME_MAX, clean_line

LIFETIME_MIN_S = 10
LIFETIME_MAX_S = 600
PLATFORM: Final = "widget"


class LoginTokenService:
    """Makes login tokens and exchanges them for a device's tokens.

    A token names the device that it logs in, so it works once: for as long as that device
    exists a second exchange is refused, and the token expires within minutes.

    Args:
        accounts: The users.
        devices: Lets devices in.
        tokens: Signs and reads.
    """

    def __init__(self, accounts: Accounts, devices: Devices, tokens: LoginTokens) -> None:
        self._accounts = accounts
        self._records = accounts.records
        self._devices = devices
        self._tokens = tokens

    @handles(MakeLoginToken)
    async def make(self, _actor: Actor, command: MakeLoginToken) -> LoginToken:
        """See ``MakeLoginToken``."""
        lifetime_s = command.expires_in_s
        if not LIFETIME_MIN_S <= lifetime_s <= LIFETIME_MAX_S:
            raise Invalid("A login token lives 10 to 600 seconds.", limit=LIFETIME_MAX_S)
        user = await self._records.get(User, command.user_id)
        if user is None or user.state == "deleted":
            raise NoSuchUser
        if user.state != "active":
            raise AccountDeactivated
        expires_at_s = self._accounts.clock.now_ms() // 1000 + lifetime_s
        claims = LoginClaims(user.user_id, new_widget_id(), command.peer_id, expires_at_s)
        return LoginToken(self._tokens.issue(claims), user.user_id, lifetime_s)

    @handles(LogInWithToken)
    async def log_in(self, actor: Actor, command: LogInWithToken) -> Tokens:
        """See ``LogInWithToken``."""
        name = clean_line(command.device_name, DEVICE_NAME_MAX, "device_name")
        claims = self._read(command.login_token)
        opened: list[Tokens] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            if user.state != "active":
                raise AccountDeactivated
            devices = await self._accounts.devices(user.user_id)
            if any(device.device_id == claims.device_id for device in devices):
                raise LoginTokenInvalid
            for device in self._outgoing(devices):
                plan.remove_device(device, "replaced")
            opened[:] = [
                self._devices.open(
                    plan, user, PLATFORM, name, actor.address, device_id=claims.device_id
                )
            ]

        try:
            await self._accounts.change(claims.user_id, judge)
        except NotFound as refusal:
            raise LoginTokenInvalid from refusal
        return opened[0]

    def _outgoing(self, devices: list[Device]) -> list[Device]:
        """Return the widgets that have to go when one more comes; nothing else has to."""
        widgets = [device for device in devices if device.platform == PLATFORM]
        widgets.sort(key=lambda device: device.seen_at_ms)
        return widgets[: max(0, len(widgets) + 1 - self._devices.devices_max)]

    @handles(ReadLoginToken)
    async def read(self, actor: Actor, command: ReadLoginToken) -> UserId:
        """See ``ReadLoginToken``."""
        claims = self._read(command.login_token)
        if claims.user_id != actor.user_id:
            raise LoginTokenInvalid
        return claims.peer_id

    def _read(self, token: str) -> LoginClaims:
        claims = self._tokens.read(token)
        if claims is None or claims.expires_at_s * 1000 <= self._accounts.clock.now_ms():
            raise LoginTokenInvalid
        return claims
