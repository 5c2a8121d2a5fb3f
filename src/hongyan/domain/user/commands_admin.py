"""Commands of administrators and the operator about accounts."""

from msgspec import UNSET, Struct, UnsetType

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.ids import UserId

from .commands import Tokens
from .model import Account, Invite, Platform


class CreateInvite(Command[Invite], frozen=True, kw_only=True):
    """Make an invite code.

    Raises:
        Invalid: uses are not 1 to 100,000, or the expiry has passed.
    """

    METHOD = "user.invite_create"
    ACCESS = Access.ADMIN

    uses: int = 1
    expires_at_ms: int = 0
    """0 for never."""
    note: str = ""


class InvitePage(Struct, frozen=True):
    """Some invites; ``next_after`` is the ``after`` of the next page, empty at the end."""

    invites: list[Invite]
    next_after: str = ""


class ListInvites(Command[InvitePage], frozen=True, kw_only=True):
    """List the invites that were neither used up nor revoked, by code."""

    METHOD = "user.invite_list"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    after: str = ""
    limit: int = 100
    """1 to 500."""


class CancelInvite(Command[Done], frozen=True, kw_only=True):
    """Make an invite worthless.

    Raises:
        NotFound: there is no such invite.
    """

    METHOD = "user.invite_revoke"
    ACCESS = Access.ADMIN

    code: str


class AccountPage(Struct, frozen=True):
    """Some accounts; ``next_after`` is the ``after`` of the next page, empty at the end."""

    users: list[Account]
    next_after: str = ""


class ListUsers(Command[AccountPage], frozen=True, kw_only=True):
    """List all accounts, deleted ones too, by user id."""

    METHOD = "user.list"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    after: str = ""
    limit: int = 100
    """1 to 500."""


class DeactivateUser(Command[Done], frozen=True, kw_only=True):
    """Put an account to sleep until an administrator reactivates it; its devices are removed.

    Raises:
        NotFound: there is no such account.
    """

    METHOD = "user.deactivate"
    ACCESS = Access.ADMIN

    user_id: UserId


class ReactivateUser(Command[Done], frozen=True, kw_only=True):
    """Wake a deactivated account.

    Raises:
        NotFound: there is no such account.
    """

    METHOD = "user.reactivate"
    ACCESS = Access.ADMIN

    user_id: UserId


class KickUser(Command[Done], frozen=True, kw_only=True):
    """Remove all devices of a user.

    Raises:
        NotFound: there is no such account.
    """

    METHOD = "user.kick"
    ACCESS = Access.ADMIN

    user_id: UserId


class ResetCode(Struct, frozen=True):
    """A one-time code to hand to the user in person; see ``ResetPassword``."""

    code: str
    expires_at_ms: int


class CreateResetCode(Command[ResetCode], frozen=True, kw_only=True):
    """Make a one-time code with which the user can set a new password.

    Raises:
        NotFound: there is no such account.
    """

    METHOD = "user.reset_code_create"
    ACCESS = Access.ADMIN

    user_id: UserId


class CreateUser(Command[Account], frozen=True, kw_only=True):
    """Make an account without a device; for the command line and importers.

    Raises:
        As ``Register``, but for the registration policy.
        Conflict: there is an account with this ``user_id``.
    """

    METHOD = "user.create"
    ACCESS = Access.INTERNAL

    password: str | None = None
    """Null makes an account that only minted tokens can use."""
    user_id: UserId = UserId("")
    """Empty lets the server make one."""
    handle: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str = ""
    locale: str = ""
    admin: bool = False
    bot: bool = False


class FindUser(Command[Account], frozen=True, kw_only=True):
    """Return the account with this handle, e-mail address, telephone number or user id.

    Raises:
        NotFound: there is none.
    """

    METHOD = "user.find"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    identifier: str


class SetContact(Command[Account], frozen=True, kw_only=True):
    """Give an account another e-mail address or telephone number; null takes it away.

    Raises:
        NotFound: there is no such account.
        EmailTaken, PhoneTaken: somebody else has it.
        Invalid: it is no address or no number.
    """

    METHOD = "user.set_contact"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET


class SetPassword(Command[Done], frozen=True, kw_only=True):
    """Set a user's password without knowing the old one; all devices are removed.

    Raises:
        NotFound, WeakPassword: as they say.
    """

    METHOD = "user.set_password"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId
    new_password: str


class SetAdmin(Command[Done], frozen=True, kw_only=True):
    """Make a user an administrator, or no longer one.

    Raises:
        NotFound: there is no such account.
    """

    METHOD = "user.set_admin"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId
    admin: bool


class MintToken(Command[Tokens], frozen=True, kw_only=True):
    """Log a new device in without a password; no other device is replaced.

    Raises:
        NotFound: there is no such account.
        AccountDeactivated: the account is asleep.
        Invalid: the lifetime is longer than a year.
    """

    METHOD = "user.mint_token"
    ACCESS = Access.INTERNAL

    user_id: UserId
    platform: Platform = "bot"
    device_name: str = ""
    expires_in_s: int = 0
    """Of the access token; 0 takes the server's setting."""
