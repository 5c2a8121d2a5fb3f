"""The port Tickets of the media service, by HMAC-SHA-256."""

import base64
import hashlib
import hmac

from hongyan.kernel.ids import UserId

TICKET_MAX = 512
_MAC_BYTES = 16


class HmacTickets:
    """Signs who may read which media until when.

    Args:
        key: A secret of 32 bytes or more; tickets of another key are not good.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"media tickets\0" + key).digest()

    def sign(self, user_id: UserId, media_id: str, expires_at_s: int) -> str:
        """See ``Tickets.sign``."""
        payload = f"{expires_at_s:x}.{user_id}".encode()
        signed = self._mac(payload, media_id) + payload
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def read(self, ticket: str, media_id: str, now_s: int) -> UserId | None:
        """See ``Tickets.read``."""
        if len(ticket) > TICKET_MAX:
            return None
        try:
            raw = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        except ValueError:
            return None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, media_id)):
            return None
        expires, _, user_id = payload.decode().partition(".")
        return UserId(user_id) if int(expires, 16) >= now_s else None

    def _mac(self, payload: bytes, media_id: str) -> bytes:
        message = media_id.encode() + b"\0" + payload
        return hmac.digest(self._key, message, "sha256")[:_MAC_BYTES]
