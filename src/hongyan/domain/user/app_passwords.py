"""App passwords: made, listed and revoked by their owner."""

from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import new_token_id

from .accounts import AccountPlan, Accounts
from .commands import WrongPassword
from .commands_app_passwords import (
    AppPasswords,
    CreateAppPassword,
    ListAppPasswords,
    NewAppPassword,
    RevokeAppPassword,
)
from .confirmation import Confirmation
from .model import (
    APP_PASSWORD_ADDED,
    APP_PASSWORD_REMOVED,
    AppPassword,
    AppPasswordInfo,
    AppPasswordRemoved,
    Credential,
    User,
)
from .rules import LABEL_MAX, clean_line
from .scram import Verifiers

APP_PASSWORDS_MAX = 50


class AppPasswordService:
    """Answers the commands about app passwords.

    Args:
        accounts: The users.
        confirmation: Asks for the account's password.
        verifiers: Makes and finds what is kept of app passwords.
    """

    def __init__(
        self, accounts: Accounts, confirmation: Confirmation, verifiers: Verifiers
    ) -> None:
        self._accounts = accounts
        self._confirmation = confirmation
        self._verifiers = verifiers

    @handles(CreateAppPassword)
    async def create(self, actor: Actor, command: CreateAppPassword) -> NewAppPassword:
        """See ``CreateAppPassword``."""
        label = clean_line(command.label, LABEL_MAX, "label")
        if not label:
            raise Invalid("Say what the app password is for.", field="label")
        confirmed = await self._confirmed(actor, command.password)
        password = new_token_id()
        made: list[AppPassword] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            await self._still(user, confirmed)
            if len(await self._verifiers.app_passwords(user.user_id)) >= APP_PASSWORDS_MAX:
                raise LimitReached("Revoke an app password first.", limit=APP_PASSWORDS_MAX)
            scram = await self._verifiers.of(user.user_id, password)
            assert scram is not None  # it is plain letters and digits
            row = AppPassword(
                app_password_id=new_token_id(),
                user_id=user.user_id,
                label=label,
                created_at_ms=plan.now_ms,
                scram=scram,
            )
            plan.put(row)
            plan.append(APP_PASSWORD_ADDED, _info(row))
            made[:] = [row]

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return NewAppPassword(_info(made[0]), password)

    async def _confirmed(self, actor: Actor, password: str) -> Credential | None:
        """Return the credential that the password confirmed; None of an account without one."""
        if await self._accounts.records.get(Credential, actor.user_id) is None and not password:
            return None
        return await self._confirmation.confirm(actor, password)

    async def _still(self, user: User, confirmed: Credential | None) -> None:
        if confirmed is not None:
            await self._confirmation.still(confirmed)
        elif await self._accounts.records.get(Credential, user.user_id) is not None:
            raise WrongPassword  # the account has got one meanwhile

    @handles(ListAppPasswords)
    async def list(self, actor: Actor, _command: ListAppPasswords) -> AppPasswords:
        """See ``ListAppPasswords``."""
        seen = {
            device.app_password_id: device.seen_at_ms
            for device in await self._accounts.devices(actor.user_id)
        }
        found = await self._verifiers.app_passwords(actor.user_id)
        return AppPasswords([_info(row, seen.get(row.app_password_id, 0)) for row in found])

    @handles(RevokeAppPassword)
    async def revoke(self, actor: Actor, command: RevokeAppPassword) -> Done:
        """See ``RevokeAppPassword``."""

        async def judge(user: User, plan: AccountPlan) -> None:
            row = await self._accounts.records.get(AppPassword, command.app_password_id)
            if row is None or row.user_id != user.user_id:
                raise NotFound("You have no such app password.")
            revoke(plan, row)
            for device in await self._accounts.devices(user.user_id):
                if device.app_password_id == row.app_password_id:
                    plan.remove_device(device, "kicked")

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return DONE


def revoke(plan: AccountPlan, row: AppPassword) -> None:
    """Plan to make an app password worthless; its devices are another matter."""
    plan.drop(AppPassword, row.app_password_id)
    plan.append(APP_PASSWORD_REMOVED, AppPasswordRemoved(row.app_password_id))


def _info(row: AppPassword, seen_at_ms: int = 0) -> AppPasswordInfo:
    used_at_ms = max(row.used_at_ms, seen_at_ms)
    return AppPasswordInfo(row.app_password_id, row.label, row.created_at_ms, used_at_ms)
