"""AccessTokens and LoginTokens by JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256."""

import hmac
from collections.abc import Sequence
from functools import lru_cache

import jwt

from hongyan.domain.user.ports import Claims, LoginClaims
from hongyan.kernel.ids import DeviceId, UserId

KEY_BYTES_MIN = 32
TOKEN_MAX = 2048
REMEMBERED = 5_000
_ALGORITHM = "HS256"


class JwtAccessTokens:
    """Signs with the first key and reads what any of the keys signed.

    Args:
        keys: At least one secret of 32 bytes or more; put a new one in front to rotate.

    Raises:
        ValueError: there is no key, or one is too short.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) < KEY_BYTES_MIN for key in keys):
            raise ValueError(f"signing keys need {KEY_BYTES_MIN} bytes or more")
        self._keys = tuple(keys)
        # Who asks over HTTP shows the same token each time; what it says never changes.
        self._remembered = lru_cache(REMEMBERED)(self._decoded)

    def issue(self, claims: Claims) -> str:
        """See ``AccessTokens.issue``."""
        payload = {
            "sub": claims.user_id,
            "did": claims.device_id,
            "iat": claims.issued_at_s,
            "exp": claims.expires_at_s,
            "jti": claims.token_id,
            "adm": claims.admin,
        }
        return jwt.encode(payload, self._keys[0], algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims | None:
        """See ``AccessTokens.read``."""
        return self._remembered(token) if len(token) <= TOKEN_MAX else None

    def _decoded(self, token: str) -> Claims | None:
        for key in self._keys:
            try:
                payload = jwt.decode(
                    token,
                    key,
                    algorithms=[_ALGORITHM],
                    options={
                        "require": ["sub", "did", "iat", "exp", "jti", "adm"],
                        "verify_exp": False,
                        "verify_iat": False,
                    },
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError:
                return None
            return _claims(payload)
        return None


def _claims(payload: dict[str, object]) -> Claims | None:
    user_id, device_id, token_id = payload["sub"], payload["did"], payload["jti"]
    issued, expires, admin = payload["iat"], payload["exp"], payload["adm"]
    if (
        isinstance(user_id, str)
        and isinstance(device_id, str)
        and isinstance(token_id, str)
        and isinstance(issued, int)
        and isinstance(expires, int)
    ):
        return Claims(
            UserId(user_id), DeviceId(device_id), admin is True, issued, expires, token_id
        )
    return None


class JwtLoginTokens:
    """Signs with a key that is made of the first one and serves nothing else.

    Args:
        keys: As of ``JwtAccessTokens``.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(hmac.digest(key, b"login token", "sha256") for key in keys)

    def issue(self, claims: LoginClaims) -> str:
        """See ``LoginTokens.issue``."""
        payload = {
            "sub": claims.user_id,
            "did": claims.device_id,
            "exp": claims.expires_at_s,
            "peer": claims.peer_id,
        }
        return jwt.encode(payload, self._keys[0], algorithm=_ALGORITHM)

    def read(self, token: str) -> LoginClaims | None:
        """See ``LoginTokens.read``."""
        if len(token) > TOKEN_MAX:
            return None
        for key in self._keys:
            try:
                said = jwt.decode(
                    token,
                    key,
                    algorithms=[_ALGORITHM],
                    options={"require": ["sub", "did", "exp", "peer"], "verify_exp": False},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError:
                return None
            texts = (said["sub"], said["did"], said["peer"])
            if all(isinstance(one, str) for one in texts) and isinstance(said["exp"], int):
                user_id, device_id, peer_id = texts
                return LoginClaims(
                    UserId(user_id), DeviceId(device_id), UserId(peer_id), said["exp"]
                )
            return None
        return None
