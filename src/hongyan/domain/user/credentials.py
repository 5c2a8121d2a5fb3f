"""Passwords, addresses and one-time codes; putting an account to sleep or to an end."""

import secrets
from typing import Any, Literal

from msgspec import Struct, structs

from hongyan.kernel.background import Background
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Busy, Refusal
from hongyan.kernel.ids import SYSTEM, DeviceId, UserId

from .accounts import AccountPlan, Accounts, account_of, check_reachable, deactivate
from .app_passwords import revoke
from .commands import MailNotConfigured, WrongCode
from .commands_admin import CreateResetCode, ResetCode, SetPassword
from .commands_credentials import (
    ChangeEmail,
    ChangePassword,
    ChangePhone,
    DeactivateMe,
    DeleteMe,
    RequestPasswordReset,
    ResetPassword,
)
from .confirmation import Confirmation
from .model import (
    PASSWORD_CHANGED,
    Account,
    Credential,
    Departure,
    PasswordChanged,
    PasswordReset,
    Privacy,
    Status,
    User,
)
from .ports import CodeSender, Hasher
from .rules import check_password, clean_email, clean_password, clean_phone, hash_token
from .scram import Verifiers
from .throttle import LoginGuard

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_CHARACTERS = 10
SENDING_MAX = 100


class CredentialPolicy(Struct, frozen=True):
    """The policy of passwords and one-time codes."""

    password_min: int = 8
    """In code points."""
    code_ttl_ms: int = 900_000
    code_tries: int = 5
    scram_for_account_passwords: bool = False
    """Whether SCRAM keeps something of accounts' own passwords too."""


class Credentials:
    """Changes what proves that somebody is the user.

    Args:
        accounts: The users.
        hasher: Hashes and checks passwords.
        code_sender: Sends one-time codes.
        password_guard: Slows down who guesses passwords.
        code_guard: Slows down who asks for codes or guesses them.
        policy: How passwords and codes have to be.
        confirmation: Asks for the password where a device alone does not do.
        verifiers: App passwords, and what SCRAM keeps.
        background: Sends codes behind the answer.
    """

    def __init__(
        self,
        accounts: Accounts,
        hasher: Hasher,
        code_sender: CodeSender,
        password_guard: LoginGuard,
        code_guard: LoginGuard,
        policy: CredentialPolicy,
        confirmation: Confirmation,
        verifiers: Verifiers,
        background: Background,
    ) -> None:
        self._accounts = accounts
        self._records = accounts.records
        self._clock = accounts.clock
        self._hasher = hasher
        self._code_sender = code_sender
        self._password_guard = password_guard
        self._code_guard = code_guard
        self._policy = policy
        self._background = background
        self._confirmation = confirmation
        self._verifiers = verifiers

    # --- addresses ---

    @handles(ChangeEmail)
    async def change_email(self, actor: Actor, command: ChangeEmail) -> Account:
        """See ``ChangeEmail``."""
        email = clean_email(command.email) if command.email else None
        return await self._change_address(actor, command.password, email=email)

    @handles(ChangePhone)
    async def change_phone(self, actor: Actor, command: ChangePhone) -> Account:
        """See ``ChangePhone``."""
        phone = clean_phone(command.phone) if command.phone else None
        return await self._change_address(actor, command.password, phone=phone)

    async def _change_address(self, actor: Actor, password: str, **address: str | None) -> Account:
        credential = await self._confirmation.confirm(actor, password)
        changed: list[User] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            await self._confirmation.still(credential)
            new = structs.replace(user, **address)
            check_reachable(new)
            if new != user:
                plan.change_user(user, new)
                plan.drop(PasswordReset, user.user_id)  # its code went to the old address
            changed[:] = [new]

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return account_of(changed[0])

    # --- passwords ---

    @handles(ChangePassword)
    async def change_password(self, actor: Actor, command: ChangePassword) -> Done:
        """See ``ChangePassword``."""
        old = await self._confirmation.confirm(actor, command.password)
        user = await self._accounts.get(actor.user_id)
        password, hashed = await self._hashed(user, command.new_password)

        async def judge(user: User, plan: AccountPlan) -> None:
            await self._confirmation.still(old)
            await self._replace(plan, password, hashed, "changed", keep=actor.device_id)

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return DONE

    @handles(SetPassword)
    async def set_password(self, _actor: Actor, command: SetPassword) -> Done:
        """See ``SetPassword``."""
        user = await self._accounts.get(command.user_id)
        password, hashed = await self._hashed(user, command.new_password)

        async def judge(_user: User, plan: AccountPlan) -> None:
            await self._replace(plan, password, hashed, "set_by_administrator")

        await self._accounts.change(command.user_id, judge)
        return DONE

    async def _hashed(self, user: User, text: str) -> tuple[str, str]:
        """Return a new password as it is hashed, and its hash."""
        password = clean_password(text)
        check_password(password, user, self._policy.password_min)
        return password, await self._hasher.hash(password)

    async def _replace(
        self,
        plan: AccountPlan,
        password: str,
        hashed: str,
        how: Literal["changed", "reset", "set_by_administrator"],
        keep: DeviceId | None = None,
    ) -> None:
        """Plan another password: app passwords and all devices but one are worth nothing."""
        user_id = plan.user_id
        credential = Credential(
            user_id=user_id,
            password_hash=hashed,
            changed_at_ms=plan.now_ms,
            scram=await self._verifiers.of_account(user_id, password),
        )
        plan.put(credential)
        plan.drop(PasswordReset, user_id)
        plan.append(PASSWORD_CHANGED, PasswordChanged(how))
        for app_password in await self._verifiers.app_passwords(user_id):
            revoke(plan, app_password)
        for device in await self._accounts.devices(user_id):
            if device.device_id != keep or device.app_password_id:
                plan.remove_device(device, "password_changed")

    # --- one-time codes ---

    @handles(RequestPasswordReset)
    async def request_password_reset(self, actor: Actor, command: RequestPasswordReset) -> Done:
        """See ``RequestPasswordReset``."""
        if not self._code_sender.is_configured:
            raise MailNotConfigured
        key = "request " + self._accounts.key(command.identifier)
        await self._code_guard.begin(key, actor.address, self._clock.now_ms())
        if self._background.pending >= SENDING_MAX:
            raise Busy("Too many mails are being sent; try again.")
        # Everything else happens behind the answer, so that its time shows nothing either.
        self._background.begin(self._send_code(command.identifier))
        return DONE

    async def _send_code(self, identifier: str) -> None:
        user = await self._accounts.find(identifier)
        if user is None or user.email is None or user.deactivated_by == "admin":
            return
        try:
            reset = await self._make_code(user.user_id)
            minutes = self._policy.code_ttl_ms // 60_000
            await self._code_sender.send(user.email, reset.code, minutes, user.locale)
        except Refusal:
            return  # nobody waits for the answer; the person will ask again

    @handles(CreateResetCode)
    async def create_reset_code(self, _actor: Actor, command: CreateResetCode) -> ResetCode:
        """See ``CreateResetCode``."""
        return await self._make_code(command.user_id)

    async def _make_code(self, user_id: UserId) -> ResetCode:
        code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_CHARACTERS))
        expires_at_ms = self._clock.now_ms() + self._policy.code_ttl_ms

        async def judge(user: User, plan: AccountPlan) -> None:
            plan.put(
                PasswordReset(
                    user_id=user.user_id,
                    code_hash=hash_token(user.user_id, code),
                    expires_at_ms=expires_at_ms,
                    tries_left=self._policy.code_tries,
                )
            )

        await self._accounts.change(user_id, judge, SYSTEM)
        return ResetCode(f"{code[:5]}-{code[5:]}", expires_at_ms)

    @handles(ResetPassword)
    async def reset_password(self, actor: Actor, command: ResetPassword) -> Done:
        """See ``ResetPassword``."""
        user = await self._accounts.find(command.identifier)
        key = "code " + (user.user_id if user else self._accounts.key(command.identifier))
        await self._code_guard.begin(key, actor.address, self._clock.now_ms())
        password = clean_password(command.new_password)
        try:  # the same judgement and the same hashing, whether or not there is an account
            check_password(password, User(user_id=UserId("")), self._policy.password_min)
            hashed = await self._hasher.hash(password)
        except Refusal:
            await self._code_guard.undo(key, actor.address)
            raise
        if user is None or not await self._try_code(user.user_id, command.code, password, hashed):
            raise WrongCode
        await self._code_guard.succeeded(key, actor.address)
        await self._password_guard.succeeded(user.user_id, actor.address)
        return DONE

    async def _try_code(self, user_id: UserId, text: str, password: str, hashed: str) -> bool:
        """Spend the code and set the password, or spend one of the code's tries."""
        code_hash = hash_token(user_id, text[:64].upper().replace("-", "").replace(" ", ""))
        fits = False

        async def judge(user: User, plan: AccountPlan) -> None:
            nonlocal fits
            reset = await self._records.get(PasswordReset, user_id)
            if reset is None or reset.expires_at_ms <= plan.now_ms or reset.tries_left < 1:
                raise WrongCode
            fits = secrets.compare_digest(reset.code_hash, code_hash)
            if fits:
                check_password(password, user, self._policy.password_min)
                await self._replace(plan, password, hashed, "reset")
            else:
                plan.put(structs.replace(reset, tries_left=reset.tries_left - 1))

        await self._accounts.change(user_id, judge, user_id)
        return fits

    # --- the account as a whole ---

    @handles(DeactivateMe)
    async def deactivate_me(self, actor: Actor, command: DeactivateMe) -> Done:
        """See ``DeactivateMe``."""
        credential = await self._confirmation.confirm(actor, command.password)

        async def judge(user: User, plan: AccountPlan) -> None:
            await self._confirmation.still(credential)
            deactivate(plan, user, "self", await self._accounts.devices(user.user_id))

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return DONE

    @handles(DeleteMe)
    async def delete_me(self, actor: Actor, command: DeleteMe) -> Done:
        """See ``DeleteMe``."""
        credential = await self._confirmation.confirm(actor, command.password)

        async def judge(user: User, plan: AccountPlan) -> None:
            await self._confirmation.still(credential)
            devices = await self._accounts.devices(user.user_id)
            plan.change_user(user, structs.replace(user, **_EMPTY))
            plan.put(Departure(user_id=user.user_id, at_ms=plan.now_ms))
            plan.drop(Credential, user.user_id)
            plan.drop(PasswordReset, user.user_id)
            for app_password in await self._verifiers.app_passwords(user.user_id):
                revoke(plan, app_password)
            for device in devices:
                plan.remove_device(device, "deactivated")

        await self._accounts.change(actor.user_id, judge, actor.user_id)
        return DONE


_EMPTY: dict[str, Any] = {
    "handle": None,
    "email": None,
    "phone": None,
    "name": "",
    "avatar": "",
    "bio": "",
    "locale": "",
    "status": Status(),
    "privacy": Privacy(),
    "admin": False,
    "state": "deleted",
    "deactivated_by": "",
}
"""The rest of a deleted user: the id, the age, and that it was a bot."""
