"""Commands about passwords, addresses and the account as a whole."""

from hongyan.kernel.bus import Access, Command, Done

from .model import Account


class ChangeEmail(Command[Account], frozen=True, kw_only=True):
    """Set the caller's e-mail address, or remove it with null.

    Raises:
        WrongPassword, RateLimited: the password is wrong, or was too often.
        EmailTaken: somebody else has the address.
        Invalid: it is no address, or nothing would be left to log in with.
    """

    METHOD = "user.change_email"

    password: str
    email: str | None


class ChangePhone(Command[Account], frozen=True, kw_only=True):
    """Set the caller's telephone number, or remove it with null.

    Raises:
        WrongPassword, RateLimited: the password is wrong, or was too often.
        PhoneTaken: somebody else has the number.
        Invalid: it is no number, or nothing would be left to log in with.
    """

    METHOD = "user.change_phone"

    password: str
    phone: str | None


class ChangePassword(Command[Done], frozen=True, kw_only=True):
    """Change the caller's password; all other devices are removed (``password_changed``).

    Raises:
        WrongPassword, RateLimited: the old password is wrong, or was too often.
        WeakPassword: the new one is too short, too long or too common.
    """

    METHOD = "user.change_password"

    password: str
    new_password: str


class RequestPasswordReset(Command[Done], frozen=True, kw_only=True):
    """Send a one-time code, good for 15 minutes, to the account's e-mail address.

    The answer is the same whether or not there is such an account.

    Raises:
        MailNotConfigured: this server cannot send mail; ask its administrator for a code.
        RateLimited: asked too often.
    """

    METHOD = "user.request_password_reset"
    ACCESS = Access.ANYONE

    identifier: str


class ResetPassword(Command[Done], frozen=True, kw_only=True):
    """Set a new password with a one-time code; all devices are removed.

    A code allows five tries.

    Raises:
        WrongCode: no such account, or the code is wrong, spent or expired.
        WeakPassword: the new password is too short, too long or too common.
        RateLimited: too many failures.
    """

    METHOD = "user.reset_password"
    ACCESS = Access.ANYONE

    identifier: str
    code: str
    new_password: str


class DeactivateMe(Command[Done], frozen=True, kw_only=True):
    """Put the caller's account to sleep: devices removed, not found, until the next log-in.

    Raises:
        WrongPassword, RateLimited: the password is wrong, or was too often.
    """

    METHOD = "user.deactivate_me"

    password: str


class DeleteMe(Command[Done], frozen=True, kw_only=True):
    """Delete the caller's account for good: profile emptied, handle freed, devices removed.

    Raises:
        WrongPassword, RateLimited: the password is wrong, or was too often.
    """

    METHOD = "user.delete_me"

    password: str
