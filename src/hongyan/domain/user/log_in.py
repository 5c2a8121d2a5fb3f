"""Logging in with a password: the account's own, or one of its app passwords."""

from msgspec import structs

from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.errors import Busy

from .accounts import AccountPlan, Accounts
from .commands import AccountDeactivated, LogIn, Tokens, WrongCredentials
from .devices import DevicePolicy, Devices
from .model import AppPassword, Credential, Device, Platform, User
from .ports import Hasher
from .rules import DEVICE_NAME_MAX, clean_line, clean_password
from .scram import Verifiers
from .throttle import LoginGuard


class LoggingIn:
    """Answers ``user.log_in``.

    Args:
        accounts: The users.
        devices: Lets devices in.
        hasher: Checks passwords.
        guard: Slows down who guesses passwords.
        policy: Which devices may stay together.
        verifiers: Finds app passwords, and makes what SCRAM keeps.
    """

    def __init__(
        self,
        accounts: Accounts,
        devices: Devices,
        hasher: Hasher,
        guard: LoginGuard,
        policy: DevicePolicy,
        verifiers: Verifiers,
    ) -> None:
        self._accounts = accounts
        self._records = accounts.records
        self._clock = accounts.clock
        self._devices = devices
        self._hasher = hasher
        self._guard = guard
        self._policy = policy
        self._verifiers = verifiers

    @handles(LogIn)
    async def log_in(self, actor: Actor, command: LogIn) -> Tokens:
        """See ``LogIn``."""
        name = clean_line(command.device_name, DEVICE_NAME_MAX, "device_name")
        user = await self._accounts.find(command.identifier)
        key = user.user_id if user is not None else self._accounts.key(command.identifier)
        await self._guard.begin(key, actor.address, self._clock.now_ms())
        password = clean_password(command.password)
        user_id = user.user_id if user is not None else None
        try:
            app_password = await self._verifiers.find(user_id, password)
            credential = await self._verified(user, password) if app_password is None else None
        except BaseException:
            await self._guard.undo(key, actor.address)
            raise
        if user is None or (credential is None and app_password is None):
            raise WrongCredentials
        await self._guard.succeeded(key, actor.address)
        rehashed = await self._rehashed(credential, password) if credential else None
        opened: list[Tokens] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            app_password_id = ""
            if app_password is not None:
                app_password_id = await self._use(plan, app_password)
            elif credential is not None:
                await self._renew(plan, credential, rehashed, password)
            if user.state == "deactivated":
                if user.deactivated_by != "self" or app_password is not None:
                    raise AccountDeactivated
                woken = structs.replace(user, state="active", deactivated_by="")
                plan.change_user(user, woken)
                user = woken
            devices = await self._accounts.devices(user.user_id)
            for device in self._outgoing(user, devices, command.platform, app_password_id):
                plan.remove_device(device, "replaced")
            opened[:] = [
                self._devices.open(
                    plan,
                    user,
                    command.platform,
                    name,
                    actor.address,
                    app_password_id=app_password_id,
                )
            ]

        await self._accounts.change(user.user_id, judge, user.user_id)
        return opened[0]

    async def _use(self, plan: AccountPlan, app_password: AppPassword) -> str:
        """Plan to note the use of an app password; return its id."""
        row = await self._records.get(AppPassword, app_password.app_password_id)
        if row is None:
            raise WrongCredentials  # revoked while it was checked
        plan.put(structs.replace(row, used_at_ms=plan.now_ms))
        return row.app_password_id

    async def _renew(
        self, plan: AccountPlan, checked: Credential, rehashed: str | None, password: str
    ) -> None:
        """Plan to keep of the account's password what is to be kept today.

        Raises:
            WrongCredentials: the password was changed while it was checked.
        """
        before = await self._records.get(Credential, checked.user_id)
        if before is None or before.password_hash != checked.password_hash:
            raise WrongCredentials
        now = structs.replace(before, password_hash=rehashed or before.password_hash)
        if self._verifiers.is_outdated(before):
            scram = await self._verifiers.of_account(before.user_id, password)
            now = structs.replace(now, scram=scram)
        if now != before:
            plan.put(now)

    async def _verified(self, user: User | None, password: str) -> Credential | None:
        """Return the credential that the password fits; as slow where there is none."""
        credential = None
        if user is not None and user.state != "deleted":
            credential = await self._records.get(Credential, user.user_id)
        hashed = credential.password_hash if credential is not None else None
        return credential if await self._hasher.verify(hashed, password) else None

    async def _rehashed(self, credential: Credential, password: str) -> str | None:
        """Return the hash with today's parameters, or None where nothing is to be done."""
        if not self._hasher.is_outdated(credential.password_hash):
            return None
        try:
            return await self._hasher.hash(password)
        except Busy:
            return None  # the next log-in will do

    def _outgoing(
        self, user: User, devices: list[Device], platform: Platform, app_password_id: str
    ) -> list[Device]:
        """Return the devices that have to go when one of this platform comes.

        A bot runs in as many places as its owner likes; an app password in one.
        """
        terminals = "all" if user.bot else self._policy.terminals
        if terminals == "one":
            return devices
        gone = [d for d in devices if app_password_id and d.app_password_id == app_password_id]
        if terminals == "one_per_platform":
            gone += [d for d in devices if d.platform == platform and d not in gone]
        left = sorted((d for d in devices if d not in gone), key=lambda d: d.seen_at_ms)
        return gone + left[: max(0, len(left) + 1 - self._policy.devices_max)]
