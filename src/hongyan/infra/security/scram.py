"""SCRAM (RFC 5802 with SHA-1, RFC 7677 with SHA-256): what a server keeps and how it checks."""

import hashlib
import hmac
import stringprep
import unicodedata
from functools import partial
from typing import Final

from hongyan.domain.user.model import ScramKeys, ScramVerifier

from .threads import HashingThreads

DIGESTS: Final = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}
"""Mechanism -> the name of its hash function."""
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,  # not assigned in Unicode 3.2: a stored string may not have it
)


class ScramHasher:
    """The port ``Scram``, on the threads that hash passwords.

    Args:
        threads: Shared with the other hashes of passwords.
    """

    def __init__(self, threads: HashingThreads) -> None:
        self._threads = threads

    async def verifier(self, password: str, salt: bytes, iterations: int) -> ScramVerifier | None:
        """See ``Scram.verifier``."""
        try:
            prepared = saslprep(password)
        except ValueError:
            return None
        return await self._threads.run(partial(_verifier, prepared, salt, iterations))


def _verifier(prepared: str, salt: bytes, iterations: int) -> ScramVerifier:
    sha1, sha256 = (keys(digest, prepared, salt, iterations) for digest in DIGESTS.values())
    return ScramVerifier(salt=salt, iterations=iterations, sha1=sha1, sha256=sha256)


def keys(digest: str, prepared: str, salt: bytes, iterations: int) -> ScramKeys:
    """Return what a server keeps of a password (RFC 5802, section 3).

    Args:
        digest: A value of ``DIGESTS``.
        prepared: The password as ``saslprep`` returns it.
        salt: At random.
        iterations: 4,096 or more.
    """
    salted = hashlib.pbkdf2_hmac(digest, prepared.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", digest)
    server_key = hmac.digest(salted, b"Server Key", digest)
    return ScramKeys(hashlib.new(digest, client_key).digest(), server_key)


def check_proof(digest: str, kept: ScramKeys, auth_message: bytes, proof: bytes) -> bytes | None:
    """Return the server's signature, or None when the proof is not one of this password.

    It costs three hashes, however many iterations the password took.

    Args:
        digest: A value of ``DIGESTS``.
        kept: What ``keys`` returned.
        auth_message: The exchange so far, see ``AuthMessage`` in RFC 5802.
        proof: The client's.
    """
    signature = hmac.digest(kept.stored_key, auth_message, digest)
    if len(proof) != len(signature):
        return None
    client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    if not hmac.compare_digest(hashlib.new(digest, client_key).digest(), kept.stored_key):
        return None
    return hmac.digest(kept.server_key, auth_message, digest)


def saslprep(text: str) -> str:
    """Return the text as RFC 4013 prepares it to be stored.

    Raises:
        ValueError: it has a character that is prohibited, or runs both ways.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    for character in prepared:
        if any(prohibits(character) for prohibits in _PROHIBITED):
            raise ValueError("a character is prohibited")
    from_right = [stringprep.in_table_d1(character) for character in prepared]
    if any(from_right):
        from_left = any(stringprep.in_table_d2(character) for character in prepared)
        if from_left or not (from_right[0] and from_right[-1]):
            raise ValueError("it runs both ways")
    return prepared
