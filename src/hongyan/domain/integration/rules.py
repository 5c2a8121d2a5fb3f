"""Rules of webhooks: filters and signatures, as pure functions."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from hongyan.domain.log.model import Entry
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import log_owner
from hongyan.kernel.limits import check_length

from .model import Webhook, WebhookSecret

NAME_MAX = 64
URL_MAX = 2_000
KINDS_MAX = 50
CONVERSATIONS_MAX = 1_000
EXTERNAL_ID_MAX = 128
SECRET_BYTES = 24
_KIND = re.compile(r"\*|[a-z_]+(\.[a-z_]+)*(\.\*)?")


def check_external_id(external_id: str) -> None:
    """Refuse an external id that is empty, too long or not printable.

    Raises:
        Invalid, LimitReached: it is.
    """
    check_length("external_id", external_id, EXTERNAL_ID_MAX, least=1)
    if not external_id.isprintable() or external_id != external_id.strip():
        raise Invalid("An external_id has printable characters and no outer spaces.")


def check_url(url: str) -> None:
    """Refuse what is no address that could be posted to.

    Raises:
        Invalid, LimitReached: it is not.
    """
    check_length("url", url, URL_MAX, least=1)
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or "@" in parts.netloc or not url.isascii() or not url.isprintable():
        raise Invalid("A webhook's url is http:// or https://, without a password.", field="url")
    if " " in url or parts.fragment:
        raise Invalid("A webhook's url has no spaces and no fragment.", field="url")


def check_filter(kinds: Sequence[str], conversation_ids: Sequence[str]) -> None:
    """Refuse filters that are too many or no names of kinds.

    Raises:
        Invalid, LimitReached: they are.
    """
    check_length("kinds", kinds, KINDS_MAX)
    check_length("conversation_ids", conversation_ids, CONVERSATIONS_MAX)
    for kind in kinds:
        check_length("kind", kind, 64)
        if not _KIND.fullmatch(kind):
            raise Invalid("A kind is such as message, message.edited or members.*", field="kinds")


class Filter:
    """A webhook's filter of entries.

    Without kinds it takes every kind of entry in conversations. Entries of users' own logs are
    taken only where their kind is named in full.

    Args:
        webhook: The subscription.
    """

    def __init__(self, webhook: Webhook) -> None:
        self._exact = frozenset(kind for kind in webhook.kinds if not kind.endswith("*"))
        self._prefixes = tuple(kind[:-1] for kind in webhook.kinds if kind.endswith("*"))
        self._conversations = frozenset(webhook.conversation_ids)
        self._takes_all = not webhook.kinds

    def takes(self, entry: Entry) -> bool:
        """Return whether the entry is to be delivered."""
        if log_owner(entry.log_id) is not None:
            return entry.kind in self._exact and not self._conversations
        if self._conversations and entry.log_id not in self._conversations:
            return False
        return self._takes_all or entry.kind in self._exact or entry.kind.startswith(self._prefixes)


def signature(
    secrets: Sequence[WebhookSecret], message_id: str, at_s: int, body: bytes, now_ms: int
) -> str:
    """Return the header ``webhook-signature`` of Standard Webhooks, one part for each secret."""
    signed = f"{message_id}.{at_s}.".encode() + body
    parts = []
    for one in secrets:
        if one.until_ms and one.until_ms <= now_ms:
            continue
        key = base64.b64decode(one.secret.removeprefix("whsec_"))
        digest = hmac.digest(key, signed, hashlib.sha256)
        parts.append("v1," + base64.b64encode(digest).decode("ascii"))
    return " ".join(parts)
