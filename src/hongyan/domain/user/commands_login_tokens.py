"""Login tokens: an app server vouches for its user, whose page logs in without a question."""

from msgspec import Struct

from hongyan.kernel.bus import Access, Command
from hongyan.kernel.errors import Unauthenticated
from hongyan.kernel.ids import UserId

from .commands import Tokens


class LoginToken(Struct, frozen=True):
    """A token that an app server hands to its user's page, good for one log-in and a short time."""

    login_token: str
    user_id: UserId
    expires_in_s: int


class MakeLoginToken(Command[LoginToken], frozen=True, kw_only=True):
    """Make a token with which a widget may log in as this user. Nothing is stored.

    Raises:
        NotFound: there is no such account.
        AccountDeactivated: the account is asleep.
        Invalid: the lifetime is not 10 to 600 seconds.
    """

    METHOD = "user.make_login_token"
    ACCESS = Access.INTERNAL

    user_id: UserId
    peer_id: UserId = UserId("")
    expires_in_s: int = 120


class LogInWithToken(Command[Tokens], frozen=True, kw_only=True):
    """Log a widget in with a token that the host's server has minted.

    The device is of the platform ``widget`` and may do what a conversation needs, no more.
    When a user has more of them than devices are allowed, those not seen longest go.

    Raises:
        LoginTokenInvalid: the token is none, has expired, or was used: ask for a new one.
        AccountDeactivated: the account is asleep.
    """

    METHOD = "user.log_in_with_token"
    ACCESS = Access.ANYONE

    login_token: str
    device_name: str = ""


class ReadLoginToken(Command[UserId], frozen=True, kw_only=True):
    """Return with whom this token, the caller's own and not expired, lets one begin to talk.

    Raises:
        LoginTokenInvalid: it is none, has expired, or is another user's.
    """

    METHOD = "user.read_login_token"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    login_token: str


class LoginTokenInvalid(Unauthenticated):
    """The token is none of ours, expired, used before, or another user's."""

    code = "login_token_invalid"
    message = "This login token is not valid any more; ask the page's server for a new one."
