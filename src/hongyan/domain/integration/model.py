"""Rows of what app servers use: API keys, external ids, stored answers and webhooks.

What changes about keys and webhooks is noted in the system's own log (``@system``), so that
every part that remembers something of them can forget it.
"""

from typing import ClassVar, Literal

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.domain.log.readers import fence_of
from hongyan.kernel import ids
from hongyan.kernel.ids import LogId, UserId, user_log

KEY_CHANGED = "key.changed"
"""In the system's log: an API key was made or revoked. Body: ``KeyInfo``."""
WEBHOOK_CHANGED = "webhook.changed"
"""In the system's log: a webhook was made, changed, moved or removed. Body: ``WebhookRef``."""

SYSTEM_LOG = user_log(ids.SYSTEM)
"""The log of administrative changes; nobody's device reads it."""

Scope = Literal[
    "users:read",
    "users:write",
    "tokens:mint",
    "conversations:read",
    "conversations:write",
    "messages:read",
    "messages:send",
    "webhooks:write",
    "bots",
]
"""A right of a key. ``bots`` lets a key make bots and their keys."""


class ApiKey(Row, frozen=True, kw_only=True):
    """A key as it is stored: its secret only as a SHA-256."""

    TABLE: ClassVar = Table("api_key", key=("key_id",), indexes={"by_user": ("user_id",)})

    key_id: str
    name: str
    secret_hash: str
    scopes: tuple[Scope, ...] = ()
    user_id: UserId = UserId("")
    """The bot that the key is for; empty for an app server's key."""
    created_by: UserId = UserId("")
    created_at_ms: int = 0
    expires_at_ms: int = 0
    """0 for never."""
    revoked_at_ms: int = 0
    """0 while it is good."""


class KeyInfo(Struct, frozen=True):
    """A key as administrators see it; ``prefix`` is how its text begins."""

    key_id: str
    prefix: str
    name: str
    scopes: tuple[Scope, ...]
    user_id: UserId
    created_by: UserId
    created_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int
    last_used_at_ms: int = 0
    """To the minute; 0 for never."""
    last_used_address: str = ""


class KeyUse(Row, frozen=True, kw_only=True):
    """The time of a key's last use, to the minute."""

    TABLE: ClassVar = Table("api_key_use", key=("key_id",))

    key_id: str
    at_ms: int
    address: str = ""


class ExternalUser(Row, frozen=True, kw_only=True):
    """An account that an app server knows by an id of its own."""

    TABLE: ClassVar = Table("external_user", key=("external_id",), unique={"user": ("user_id",)})

    external_id: str
    user_id: UserId


class StoredAnswer(Row, frozen=True, kw_only=True):
    """The first answer to a request with an ``Idempotency-Key``, kept for a day."""

    TABLE: ClassVar = Table(
        "stored_answer", key=("owner", "request_key"), indexes={"by_age": ("stored_at_ms",)}
    )

    owner: str
    """The user, or the API key, that asked."""
    request_key: str
    fingerprint: str
    """SHA-256 of what was asked."""
    status: int
    body: str
    stored_at_ms: int


class WebhookSecret(Struct, frozen=True):
    """A signing secret; ``until_ms`` 0 for as long as it is not replaced."""

    secret: str
    until_ms: int = 0


class Webhook(Row, frozen=True, kw_only=True):
    """A subscription: where entries go, and which."""

    TABLE: ClassVar = Table("webhook", key=("webhook_id",))

    webhook_id: str
    name: str
    url: str
    kinds: tuple[str, ...] = ()
    conversation_ids: tuple[str, ...] = ()
    user_id: UserId = UserId("")
    """Only entries of conversations of which this user (a bot) is a member; empty for all."""
    secrets: tuple[WebhookSecret, ...] = ()
    batch_max: int = 100
    active: bool = True
    created_by: UserId = UserId("")
    created_at_ms: int = 0


class WebhookRef(Struct, frozen=True):
    """A reference to the webhook that changed."""

    webhook_id: str


class WebhookAttempt(Row, frozen=True, kw_only=True):
    """One attempt at a delivery, in a ring of the latest ones."""

    TABLE: ClassVar = Table("webhook_attempt", key=("webhook_id", "slot"))

    webhook_id: str
    slot: int
    at_ms: int
    message_id: str
    first: int
    last: int
    entries: int
    attempt: int
    status: int = 0
    """The answer's HTTP status; 0 when there was none."""
    error: str = ""
    took_ms: int = 0


class DeadLetter(Row, frozen=True, kw_only=True):
    """A batch that could not be delivered: the positions ``first`` to ``last`` of the feed."""

    TABLE: ClassVar = Table("dead_letter", key=("webhook_id", "first"))

    webhook_id: str
    first: int
    last: int
    at_ms: int
    attempts: int
    error: str = ""


def reader_of(webhook_id: str) -> str:
    """Return the name under which a webhook's place in the feed is saved."""
    return f"webhook:{webhook_id}"


def batch_reader_of(webhook_id: str) -> str:
    """Return the name under which the end of the batch under way is saved.

    A batch that is sent again after a crash thus has the same entries and the same id.
    """
    return f"webhook:{webhook_id}:batch"


def guard_of(webhook_id: str) -> LogId:
    """Return the log whose version guards a webhook's row and place. It never holds an entry."""
    return fence_of(reader_of(webhook_id))
