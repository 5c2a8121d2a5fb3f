"""The ports of the user service: hashes, tokens, and senders of codes."""

from typing import Protocol

from msgspec import Struct

from hongyan.domain.log.model import Commit
from hongyan.kernel.ids import DeviceId, LogId, UserId

from .model import ScramVerifier


class Hasher(Protocol):
    """Hashes passwords, slowly on purpose and away from the event loop."""

    async def hash(self, password: str) -> str:
        """Return a salted hash that names its own algorithm and parameters.

        Raises:
            Busy: too many wait already.
        """
        ...

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Return whether the password has this hash.

        For ``None`` (nobody of that name) it takes as long, and the answer is False.

        Raises:
            Busy: too many wait already.
        """
        ...

    def is_outdated(self, hashed: str) -> bool:
        """Return whether the hash was made with other parameters than are used now."""
        ...


class Scram(Protocol):
    """Makes what SCRAM keeps of passwords (RFC 5802, RFC 7677), away from the event loop."""

    async def verifier(self, password: str, salt: bytes, iterations: int) -> ScramVerifier | None:
        """Return what is kept; None of a password that SCRAM cannot be used with (RFC 4013).

        Raises:
            Busy: too many passwords wait already.
        """
        ...


class Attempts(Protocol):
    """Counts attempts by key, so that who fails often has to wait longer and longer.

    An attempt counts as failed when it begins, so that many at once gain nothing; it is
    taken back when it succeeds.
    """

    async def begin(self, key: str, now_ms: int) -> None:
        """Count an attempt.

        Raises:
            RateLimited: it comes too early; it is then not counted.
        """
        ...

    async def undo(self, key: str) -> None:
        """Take one attempt back."""
        ...

    async def forget(self, key: str) -> None:
        """Start the key anew."""
        ...


class Avatars(Protocol):
    """Keeps the pictures that are avatars; the media service knows whose they are."""

    async def change_avatar(self, user_id: UserId, holder: LogId, old: str, new: str) -> Commit:
        """Return what a commit that changes an avatar must hold beside.

        Args:
            user_id: Who changes it.
            holder: The log of what has the avatar: here the user's own.
            old: The media id until now; empty for none.
            new: The media id from now on; empty for none.

        Raises:
            NotFound: ``new`` is no picture of this user's.
        """
        ...


class Claims(Struct, frozen=True):
    """The claims of an access token."""

    user_id: UserId
    device_id: DeviceId
    admin: bool
    issued_at_s: int
    expires_at_s: int
    token_id: str


class AccessTokens(Protocol):
    """Makes and reads access tokens, which are believed without looking anything up."""

    def issue(self, claims: Claims) -> str:
        """Return the signed token."""
        ...

    def read(self, token: str) -> Claims | None:
        """Return what a token of ours says, expired or not; None when it is not ours."""
        ...


class LoginClaims(Struct, frozen=True):
    """The claims of a login token."""

    user_id: UserId
    device_id: DeviceId
    """Of the device that it logs in; there is never a second one."""
    peer_id: UserId
    """With whom the app server lets the user begin to talk; empty for nobody."""
    expires_at_s: int


class LoginTokens(Protocol):
    """Makes and reads login tokens. No other kind of token is one, and they are no other."""

    def issue(self, claims: LoginClaims) -> str:
        """Return the signed token."""
        ...

    def read(self, token: str) -> LoginClaims | None:
        """Return what a token of ours says, expired or not; None when it is not ours."""
        ...


class CodeSender(Protocol):
    """Brings a one-time code to its person."""

    @property
    def is_configured(self) -> bool:
        """Whether it can send at all."""
        ...

    async def send(self, email: str, code: str, minutes: int, locale: str) -> None:
        """Send the code, which is good for so many minutes, to the address.

        Raises:
            Unavailable: it could not be handed over.
        """
        ...
