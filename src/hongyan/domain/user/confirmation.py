"""Confirming by the account's password what a device alone may not do."""

from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor
from hongyan.kernel.clock import Clock

from .commands import WrongPassword
from .model import Credential
from .ports import Hasher
from .rules import clean_password
from .throttle import LoginGuard


class Confirmation:
    """Checks that who is logged in knows the password.

    Args:
        records: The credentials.
        clock: The time of attempts.
        hasher: Checks passwords.
        guard: Slows down who guesses passwords.
    """

    def __init__(self, records: Records, clock: Clock, hasher: Hasher, guard: LoginGuard) -> None:
        self._records = records
        self._clock = clock
        self._hasher = hasher
        self._guard = guard

    async def confirm(self, actor: Actor, text: str) -> Credential:
        """Return the caller's credential.

        Raises:
            WrongPassword, RateLimited, Busy: the password is not the caller's, or not judged.
        """
        await self._guard.begin(actor.user_id, actor.address, self._clock.now_ms())
        try:
            credential = await self._records.get(Credential, actor.user_id)
            hashed = credential.password_hash if credential is not None else None
            fits = await self._hasher.verify(hashed, clean_password(text))
        except BaseException:
            await self._guard.undo(actor.user_id, actor.address)
            raise
        if not fits or credential is None:
            raise WrongPassword
        await self._guard.succeeded(actor.user_id, actor.address)
        return credential

    async def still(self, credential: Credential) -> None:
        """Refuse when the password that was confirmed is not the password any more.

        Raises:
            WrongPassword: it is another one now.
        """
        found = await self._records.get(Credential, credential.user_id)
        if found is None or found.password_hash != credential.password_hash:
            raise WrongPassword
