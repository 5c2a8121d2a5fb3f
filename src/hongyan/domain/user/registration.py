"""Making accounts, and the invites that may be needed for it."""

from typing import Literal

from msgspec import structs

from hongyan.kernel.addresses import network_of
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Conflict, Invalid, NotFound
from hongyan.kernel.ids import SYSTEM, UserId, is_made_here, new_token_id, new_user_id
from hongyan.kernel.limits import check_range
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .accounts import AccountPlan, Accounts, account_of
from .commands import (
    EmailTaken,
    HandleTaken,
    InviteInvalid,
    InviteNeeded,
    PhoneTaken,
    Register,
    RegistrationClosed,
    Tokens,
)
from .commands_admin import CancelInvite, CreateInvite, CreateUser, InvitePage, ListInvites
from .devices import Devices
from .model import USER_REGISTERED, Account, Credential, Invite, User
from .ports import Attempts, Hasher
from .rules import (
    DEVICE_NAME_MAX,
    NAME_MAX,
    check_password,
    check_user_id,
    clean_email,
    clean_handle,
    clean_line,
    clean_locale,
    clean_password,
    clean_phone,
)
from .scram import Verifiers

INVITE_USES_MAX = 100_000
INVITE_NOTE_MAX = 200
SCANNED_AT_ONCE = 1_000
Mode = Literal["open", "invite", "closed"]


class Registration:
    """Registers users.

    Args:
        accounts: The users.
        devices: Logs the new user's device in.
        hasher: Hashes passwords.
        verifiers: Makes what SCRAM keeps of passwords.
        mode: Who may register: everybody, who has an invite, nobody.
        password_min: The shortest password, in code points.
        throttle: Slows down an address that makes many accounts; None lets it.
    """

    def __init__(
        self,
        accounts: Accounts,
        devices: Devices,
        hasher: Hasher,
        verifiers: Verifiers,
        mode: Mode = "closed",
        password_min: int = 8,
        throttle: Attempts | None = None,
    ) -> None:
        self._accounts = accounts
        self._records = accounts.records
        self._clock = accounts.clock
        self._devices = devices
        self._hasher = hasher
        self._verifiers = verifiers
        self._mode = mode
        self._password_min = password_min
        self._throttle = throttle
        self._with_capitals: frozenset[str] | None = None

    @handles(Register)
    async def register(self, actor: Actor, command: Register) -> Tokens:
        """See ``Register``."""
        if self._mode == "closed":
            raise RegistrationClosed
        invite_code = command.invite.strip().lower() if self._mode == "invite" else ""
        if self._mode == "invite":  # before the costly hashing
            self._usable(await self._records.get(Invite, invite_code), invite_code)
        device_name = clean_line(command.device_name, DEVICE_NAME_MAX, "device_name")
        user = self._new_user(new_user_id(), command)
        if self._throttle is not None and actor.address:
            await self._throttle.begin(network_of(actor.address), self._clock.now_ms())
        credential = await self._credential(user, command.password)
        opened: list[Tokens] = []

        async def judge(plan: AccountPlan) -> None:
            if self._mode == "invite":
                await self._use_invite(plan, invite_code)
            plan.change_user(None, user, USER_REGISTERED)
            plan.put(credential)
            platform, address = command.platform, actor.address
            opened[:] = [self._devices.open(plan, user, platform, device_name, address)]

        await self._accounts.create(user.user_id, judge, user.user_id, turn=invite_code)
        return opened[0]

    @handles(CreateUser)
    async def create_user(self, _actor: Actor, command: CreateUser) -> Account:
        """See ``CreateUser``."""
        user_id = command.user_id or new_user_id()
        check_user_id(user_id)
        if not is_made_here(user_id):
            await self._check_no_twin(user_id)
        user = structs.replace(
            self._new_user(user_id, command), admin=command.admin, bot=command.bot
        )
        credential = None
        if command.password is not None:
            credential = await self._credential(user, command.password)

        async def judge(plan: AccountPlan) -> None:
            plan.change_user(None, user, USER_REGISTERED)
            if credential is not None:
                plan.put(credential)

        await self._accounts.create(user_id, judge, SYSTEM)
        return account_of(user)

    async def _check_no_twin(self, user_id: UserId) -> None:
        """Refuse an id that differs by case only from one of before, when capitals were allowed.

        Raises:
            Conflict: there is such an account.
        """
        if self._with_capitals is None:
            found: set[str] = set()
            after: tuple[UserId, ...] = ()
            while page := await self._records.scan(User, after=after, limit=SCANNED_AT_ONCE):
                after = (page[-1].user_id,)
                found.update(u.user_id.lower() for u in page if u.user_id != u.user_id.lower())
            self._with_capitals = frozenset(found)
        if user_id in self._with_capitals:
            raise Conflict("There is a user whose id differs by case only.")

    def _new_user(self, user_id: UserId, command: Register | CreateUser) -> User:
        handle = clean_handle(command.handle) if command.handle else None
        email = clean_email(command.email) if command.email else None
        phone = clean_phone(command.phone) if command.phone else None
        needs_one = isinstance(command, Register) or command.password is not None
        if needs_one and handle is None and email is None and phone is None:
            raise Invalid("Give a handle, an e-mail address or a telephone number.")
        name = clean_line(command.name, NAME_MAX, "name") or handle
        if not name:
            raise Invalid("Give a name.")
        return User(
            user_id=user_id,
            handle=handle,
            email=email,
            phone=phone,
            name=name,
            locale=clean_locale(command.locale),
            created_at_ms=self._clock.now_ms(),
        )

    async def _credential(self, user: User, text: str) -> Credential:
        """Judge the password and what must be unique before the costly hashing."""
        password = clean_password(text)
        check_password(password, user, self._password_min)
        for by, value, taken in (
            ("handle", user.handle, HandleTaken),
            ("email", user.email, EmailTaken),
            ("phone", user.phone, PhoneTaken),
        ):
            if value is not None and await self._records.keys(User, value, by=by, limit=1):
                raise taken
        return Credential(
            user_id=user.user_id,
            password_hash=await self._hasher.hash(password),
            changed_at_ms=self._clock.now_ms(),
            scram=await self._verifiers.of_account(user.user_id, password),
        )

    # --- invites ---

    def _usable(self, invite: Invite | None, code: str) -> Invite:
        if not code:
            raise InviteNeeded
        now_ms = self._clock.now_ms()
        if invite is None or (invite.expires_at_ms and invite.expires_at_ms <= now_ms):
            raise InviteInvalid
        return invite

    async def _use_invite(self, plan: AccountPlan, code: str) -> None:
        """Take one use, guarded by the log of who made the invite."""
        invite = self._usable(await self._records.get(Invite, code), code)
        plan.guard(await self._accounts.precondition(invite.created_by))
        invite = self._usable(await self._records.get(Invite, code), code)
        if invite.uses_left > 1:
            plan.put(structs.replace(invite, uses_left=invite.uses_left - 1))
        else:
            plan.drop(Invite, code)

    @handles(CreateInvite)
    async def create_invite(self, actor: Actor, command: CreateInvite) -> Invite:
        """See ``CreateInvite``."""
        now_ms = self._clock.now_ms()
        check_range("uses", command.uses, 1, INVITE_USES_MAX)
        if command.expires_at_ms and command.expires_at_ms <= now_ms:
            raise Invalid("The expiry has passed already.")
        invite = Invite(
            code=new_token_id(),
            created_by=actor.user_id,
            uses_left=command.uses,
            expires_at_ms=command.expires_at_ms,
            note=clean_line(command.note, INVITE_NOTE_MAX, "note"),
            created_at_ms=now_ms,
        )
        await self._accounts.put(invite)
        return invite

    @handles(ListInvites)
    async def list_invites(self, _actor: Actor, command: ListInvites) -> InvitePage:
        """See ``ListInvites``."""
        check_page(command.limit)
        after = read_page_token(command.after, str)
        found = await self._records.scan(Invite, after=after, limit=command.limit)
        full = len(found) == command.limit
        return InvitePage(found, write_page_token(found[-1].code) if full else "")

    @handles(CancelInvite)
    async def cancel_invite(self, _actor: Actor, command: CancelInvite) -> Done:
        """See ``CancelInvite``."""
        code = command.code.strip().lower()
        invite = await self._records.get(Invite, code)
        if invite is None:
            raise NotFound("There is no such invite.")
        await self._accounts.drop(Invite, code, guard=invite.created_by)
        return DONE
