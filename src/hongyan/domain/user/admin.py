"""Administration of accounts."""

from msgspec import UNSET, structs

from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .accounts import AccountPlan, Accounts, account_of, deactivate
from .commands import NoSuchUser
from .commands_admin import (
    AccountPage,
    DeactivateUser,
    FindUser,
    KickUser,
    ListUsers,
    ReactivateUser,
    SetAdmin,
    SetContact,
)
from .model import Account, User
from .rules import clean_email, clean_phone


class Administration:
    """Lists accounts and changes their state.

    Args:
        accounts: The users.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    @handles(ListUsers)
    async def list_users(self, _actor: Actor, command: ListUsers) -> AccountPage:
        """See ``ListUsers``."""
        check_page(command.limit)
        after = read_page_token(command.after, str)
        found = await self._accounts.records.scan(User, after=after, limit=command.limit)
        full = len(found) == command.limit
        accounts = [account_of(user) for user in found]
        return AccountPage(accounts, write_page_token(found[-1].user_id) if full else "")

    @handles(FindUser)
    async def find_user(self, _actor: Actor, command: FindUser) -> Account:
        """See ``FindUser``."""
        user = await self._accounts.find(command.identifier)
        if user is None:
            user = await self._accounts.records.get(User, command.identifier.strip())
        if user is None:
            raise NoSuchUser
        return account_of(user)

    @handles(DeactivateUser)
    async def deactivate_user(self, _actor: Actor, command: DeactivateUser) -> Done:
        """See ``DeactivateUser``."""

        async def judge(user: User, plan: AccountPlan) -> None:
            deactivate(plan, user, "admin", await self._accounts.devices(user.user_id))

        await self._accounts.change(command.user_id, judge)
        return DONE

    @handles(ReactivateUser)
    async def reactivate_user(self, _actor: Actor, command: ReactivateUser) -> Done:
        """See ``ReactivateUser``."""

        async def judge(user: User, plan: AccountPlan) -> None:
            if user.state != "active":
                plan.change_user(user, structs.replace(user, state="active", deactivated_by=""))

        await self._accounts.change(command.user_id, judge)
        return DONE

    @handles(KickUser)
    async def kick_user(self, _actor: Actor, command: KickUser) -> Done:
        """See ``KickUser``."""

        async def judge(user: User, plan: AccountPlan) -> None:
            for device in await self._accounts.devices(user.user_id):
                plan.remove_device(device, "kicked")

        await self._accounts.change(command.user_id, judge)
        return DONE

    @handles(SetContact)
    async def set_contact(self, _actor: Actor, command: SetContact) -> Account:
        """See ``SetContact``."""
        changes: dict[str, str | None] = {}
        if command.email is not UNSET:
            changes["email"] = clean_email(command.email) if command.email else None
        if command.phone is not UNSET:
            changes["phone"] = clean_phone(command.phone) if command.phone else None
        changed: list[User] = []

        async def judge(user: User, plan: AccountPlan) -> None:
            changed[:] = [structs.replace(user, **changes)]
            if changed[0] != user:
                plan.change_user(user, changed[0])

        await self._accounts.change(command.user_id, judge)
        return account_of(changed[0])

    @handles(SetAdmin)
    async def set_admin(self, _actor: Actor, command: SetAdmin) -> Done:
        """See ``SetAdmin``."""

        async def judge(user: User, plan: AccountPlan) -> None:
            if user.admin != command.admin:
                plan.change_user(user, structs.replace(user, admin=command.admin))

        await self._accounts.change(command.user_id, judge)
        return DONE
