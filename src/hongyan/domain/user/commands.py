"""Commands of the user service, with answers and refusals."""

from msgspec import UNSET, Struct, UnsetType

from hongyan.kernel.bus import Access, Actor, Command, Done
from hongyan.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Unauthenticated,
)
from hongyan.kernel.ids import DeviceId, UserId

from .model import Account, DeviceInfo, Platform, Privacy, State, Status, User

# --- coming in ---


class Authenticate(Command[Actor], frozen=True, kw_only=True):
    """Return the actor of this access token. Asked by access.

    Raises:
        Unauthenticated: the token is malformed, expired or its device was removed.
    """

    METHOD = "user.authenticate"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    access_token: str


class CheckDevices(Command[tuple[Actor | None, ...]], frozen=True, kw_only=True):
    """Return who these devices are now, each in its place.

    None for a device that exists no more, or whose user is not active.
    """

    METHOD = "user.check_devices"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    devices: tuple[tuple[UserId, DeviceId], ...]


class Tokens(Struct, frozen=True):
    """The tokens of a device that has logged in."""

    user_id: UserId
    device_id: DeviceId
    access_token: str
    expires_in_s: int
    refresh_token: str


class Register(Command[Tokens], frozen=True, kw_only=True):
    """Make an account and log this device in.

    At least one of ``handle``, ``email`` and ``phone`` is needed. A telephone number is given
    with its country code (``+8613800138000``).

    Raises:
        RegistrationClosed, InviteNeeded, InviteInvalid: the server's registration policy.
        HandleTaken, EmailTaken, PhoneTaken: somebody else has it.
        WeakPassword: the password is too short, too long or too common.
        Invalid, LimitReached: an identifier or the name is malformed or too long.
        RateLimited: too many accounts are made from this address.
        Busy: too many passwords are being hashed.
    """

    METHOD = "user.register"
    ACCESS = Access.ANYONE

    password: str
    handle: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str = ""
    """Shown to others, at most 64 characters; empty takes the handle."""
    invite: str = ""
    locale: str = ""
    platform: Platform = "web"
    device_name: str = ""


class LogIn(Command[Tokens], frozen=True, kw_only=True):
    """Log this device in by handle, e-mail address or telephone number.

    Depending on the server's policy for several terminals, other devices of the user are
    removed with the reason ``replaced``. An account that its owner deactivated comes back.

    Raises:
        WrongCredentials: there is no such account, or the password is wrong.
        AccountDeactivated: an administrator deactivated the account.
        RateLimited: too many failures; ``retry_after_ms`` grows with each.
        Busy: too many passwords are being hashed.
    """

    METHOD = "user.log_in"
    ACCESS = Access.ANYONE

    identifier: str
    password: str
    platform: Platform = "web"
    device_name: str = ""


class Refresh(Command[Tokens], frozen=True, kw_only=True):
    """Exchange a refresh token for new tokens.

    The refresh token changes. If the answer was lost, the same exchange may be repeated for
    some seconds and is answered with the same successor, as long as that was not used.

    Raises:
        TokenReused: the token was spent before; its device is removed.
        Unauthenticated: the token is unknown or expired; log in again.
    """

    METHOD = "user.refresh"
    ACCESS = Access.ANYONE
    REPEATABLE = True

    refresh_token: str


class LogOut(Command[Done], frozen=True, kw_only=True):
    """Remove the device that asks; its tokens are worth nothing from now on."""

    METHOD = "user.log_out"


# --- devices ---


class DeviceList(Struct, frozen=True):
    """A user's devices, the oldest first."""

    devices: list[DeviceInfo]
    current_device_id: DeviceId


class ListDevices(Command[DeviceList], frozen=True, kw_only=True):
    """List the caller's devices (there are few; see the server's limit)."""

    METHOD = "user.list_devices"
    READS_ONLY = True


class RenameDevice(Command[Done], frozen=True, kw_only=True):
    """Give one of the caller's devices a name of at most 64 characters.

    Raises:
        NotFound: the caller has no such device.
    """

    METHOD = "user.rename_device"
    REPEATABLE = True

    device_id: DeviceId
    name: str


class KickDevice(Command[Done], frozen=True, kw_only=True):
    """Remove one of the caller's devices; it gets the reason ``kicked``.

    Raises:
        NotFound: the caller has no such device.
    """

    METHOD = "user.kick_device"

    device_id: DeviceId


class KickOtherDevices(Command[Done], frozen=True, kw_only=True):
    """Remove all devices of the caller but the one that asks."""

    METHOD = "user.kick_other_devices"
    REPEATABLE = True


# --- profiles ---


class Profile(Struct, frozen=True, omit_defaults=True):
    """A user as others see it. A deleted user has nothing but the id and the state."""

    user_id: UserId
    handle: str | None = None
    name: str = ""
    avatar: str = ""
    bio: str = ""
    status: Status = Status()
    bot: bool = False
    state: State = "active"


class ProfileChanged(Struct, frozen=True):
    """Event: others see the user otherwise than before; published in the process that did it."""

    user_id: UserId


def profile_of(user: User, now_ms: int) -> Profile:
    """Return what others see of a user now."""
    if user.state == "deleted":
        return Profile(user.user_id, state="deleted")
    return Profile(
        user_id=user.user_id,
        handle=user.handle,
        name=user.name,
        avatar=user.avatar,
        bio=user.bio,
        status=Status() if 0 < user.status.until_ms <= now_ms else user.status,
        bot=user.bot,
        state=user.state,
    )


class ProfilePage(Struct, frozen=True):
    """Some profiles; ``next_after`` is the ``after`` of the next page, empty at the end."""

    users: list[Profile]
    next_after: str = ""


class GetMe(Command[Account], frozen=True, kw_only=True):
    """Return the caller's own account."""

    METHOD = "user.me"
    READS_ONLY = True


class GetUsers(Command[ProfilePage], frozen=True, kw_only=True):
    """Return the profiles of at most 200 users; unknown ids are left out.

    Raises:
        LimitReached: too many ids.
    """

    METHOD = "user.get"
    READS_ONLY = True

    user_ids: list[UserId]


class SearchUsers(Command[ProfilePage], frozen=True, kw_only=True):
    """Find users who let themselves be found.

    By a whole handle, e-mail address or telephone number; by the beginning of a handle or of
    any word of a name; by any contiguous Han characters of a name. A page may have fewer
    users than ``limit``, even none, while ``next_after`` is not empty.

    Raises:
        Invalid: the query is empty or longer than 64 characters.
    """

    METHOD = "user.search"
    READS_ONLY = True

    query: str
    after: str = ""
    limit: int = 20
    """1 to 50."""


class UpdateProfile(Command[Account], frozen=True, kw_only=True):
    """Change what is given and leave the rest.

    Raises:
        HandleTaken: somebody else has the handle.
        Invalid: a value is malformed or too long.
    """

    METHOD = "user.update"
    REPEATABLE = True

    name: str | UnsetType = UNSET
    """At most 64 characters."""
    handle: str | UnsetType | None = UNSET
    """Null gives it up; an e-mail address or telephone number must then be left."""
    avatar: str | UnsetType = UNSET
    """A media id; empty for none."""
    bio: str | UnsetType = UNSET
    """At most 500 characters."""
    locale: str | UnsetType = UNSET
    """BCP 47."""
    status: Status | UnsetType = UNSET
    """Text of at most 100 and emoji of at most 16 characters."""
    privacy: Privacy | UnsetType = UNSET


# --- refusals ---


class RegistrationClosed(Forbidden):
    """Nobody can register here."""

    code = "registration_closed"
    message = "Registration is closed here; ask the administrator for an account."


class InviteNeeded(Forbidden):
    """Registration is by invitation."""

    code = "invite_needed"
    message = "You need an invite code to register here."


class InviteInvalid(Forbidden):
    """The code is unknown, used up, revoked or expired."""

    code = "invite_invalid"
    message = "This invite code is not valid; ask for a new one."


class HandleTaken(Conflict):
    """Somebody has this handle."""

    code = "handle_taken"
    message = "This handle is taken; choose another."


class EmailTaken(Conflict):
    """Somebody has this e-mail address."""

    code = "email_taken"
    message = "This e-mail address has an account already; log in with it."


class PhoneTaken(Conflict):
    """Somebody has this telephone number."""

    code = "phone_taken"
    message = "This telephone number has an account already; log in with it."


class WeakPassword(Invalid):
    """The password breaks the policy; the sentence says how."""

    code = "weak_password"
    message = "Choose a better password."


class WrongCredentials(Unauthenticated):
    """No such account or a wrong password; which of them is not said."""

    code = "wrong_credentials"
    message = "The name or the password is wrong."


class WrongPassword(Forbidden):
    """A logged-in user gave a wrong password to confirm something."""

    code = "wrong_password"
    message = "The password is wrong."


class AccountDeactivated(Forbidden):
    """An administrator put the account to sleep."""

    code = "account_deactivated"
    message = "This account is deactivated; ask the administrator."


class TokenReused(Unauthenticated):
    """A spent refresh token came again: somebody has a copy, so its device was removed."""

    code = "token_reused"
    message = "This log-in was used from two places and is ended; log in again."


class WrongCode(Forbidden):
    """The one-time code does not fit, is spent or expired, or there is no such account."""

    code = "wrong_code"
    message = "The code is wrong or expired; request a new one."


class MailNotConfigured(Refusal):
    """The server has no way to send mail."""

    code = "mail_not_configured"
    message = "This server cannot send mail; ask its administrator for a reset code."


class NoSuchUser(NotFound):
    """There is no such account, or it was deleted."""

    code = "no_such_user"
    message = "There is no such user."
