"""Commands about app passwords: one for each device or program, made by the server."""

from msgspec import Struct

from hongyan.kernel.bus import Command, Done

from .model import AppPasswordInfo


class NewAppPassword(Struct, frozen=True):
    """An app password that was just made."""

    app_password: AppPasswordInfo
    password: str
    """26 characters to log in with, by ``user.log_in`` too. Shown this once."""


class CreateAppPassword(Command[NewAppPassword], frozen=True, kw_only=True):
    """Make an app password for one device or program that takes no other way of logging in.

    A log-in with it makes a device, which takes the place of the one before. It proves nothing
    else: what asks for the account's password does not take it.

    Raises:
        WrongPassword, RateLimited: the account's password is wrong, or was too often.
        LimitReached: there are 50 already, or the label is longer than 64 characters.
        Invalid: there is no label.
    """

    METHOD = "app_password.create"
    AUDITED = True

    password: str = ""
    """The account's password; empty where the account has none."""
    label: str


class AppPasswords(Struct, frozen=True):
    """A user's app passwords, the oldest first."""

    app_passwords: list[AppPasswordInfo]


class ListAppPasswords(Command[AppPasswords], frozen=True, kw_only=True):
    """List the caller's app passwords, and when each was last used."""

    METHOD = "app_password.list"
    READS_ONLY = True


class RevokeAppPassword(Command[Done], frozen=True, kw_only=True):
    """Make an app password worthless; the device that logged in with it gets ``kicked``.

    Raises:
        NotFound: the caller has no such app password.
    """

    METHOD = "app_password.revoke"
    AUDITED = True

    app_password_id: str
