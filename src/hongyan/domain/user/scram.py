"""SCRAM verifiers of a user's passwords: made when they are set, found when they are used."""

import hmac
import secrets
from typing import Final

from hongyan.domain.log.ports import Records
from hongyan.kernel.ids import UserId

from .model import AppPassword, Credential, ScramVerifier
from .ports import Scram
from .rules import APP_PASSWORD

ITERATIONS: Final = 10_000
"""RFC 5802 asks for 4,096 at least. App passwords have 128 random bits and need no more."""
SALT_BYTES: Final = 16


class Verifiers:
    """Makes verifiers, and finds the app password that a text is.

    Args:
        records: Credentials and app passwords.
        scram: Hashes.
        for_account_passwords: Whether accounts' own passwords have verifiers too.
    """

    def __init__(self, records: Records, scram: Scram, for_account_passwords: bool) -> None:
        self._records = records
        self._scram = scram
        self._for_accounts = for_account_passwords

    async def app_passwords(self, user_id: UserId) -> list[AppPassword]:
        """Return the user's app passwords, the oldest first."""
        found = await self._records.scan(AppPassword, user_id, by="by_user")
        return sorted(found, key=lambda one: (one.created_at_ms, one.app_password_id))

    async def of(self, user_id: UserId, password: str) -> ScramVerifier | None:
        """Return what SCRAM keeps of a password, with the salt that the user's others have.

        Call it where the user's log is expected to stand still, so that two at once do not
        choose two salts.
        """
        salt, iterations = await self._salt(user_id)
        return await self._scram.verifier(password, salt, iterations)

    async def of_account(self, user_id: UserId, password: str) -> ScramVerifier | None:
        """Return the same of the account's password; None where the operator wants none."""
        return await self.of(user_id, password) if self._for_accounts else None

    def is_outdated(self, credential: Credential) -> bool:
        """Return whether the credential has a verifier and should not, or the reverse."""
        return (credential.scram is not None) != self._for_accounts

    async def find(self, user_id: UserId | None, text: str) -> AppPassword | None:
        """Return the app password that the text is; as slow where there is none.

        What does not look like one costs nothing.
        """
        if not APP_PASSWORD.fullmatch(text):
            return None
        kept = await self.app_passwords(user_id) if user_id is not None else []
        salt, iterations = (kept[0].scram.salt, kept[0].scram.iterations) if kept else _new_salt()
        verifier = await self._scram.verifier(text, salt, iterations)
        if verifier is None:
            return None
        found = None
        for one in kept:
            if hmac.compare_digest(one.scram.sha256.stored_key, verifier.sha256.stored_key):
                found = one
        return found

    async def _salt(self, user_id: UserId) -> tuple[bytes, int]:
        kept: list[ScramVerifier] = [one.scram for one in await self.app_passwords(user_id)]
        credential = await self._records.get(Credential, user_id)
        if credential is not None and credential.scram is not None:
            kept.append(credential.scram)
        return (kept[0].salt, kept[0].iterations) if kept else _new_salt()


def _new_salt() -> tuple[bytes, int]:
    return secrets.token_bytes(SALT_BYTES), ITERATIONS
