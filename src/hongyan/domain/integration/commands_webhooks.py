"""Commands about webhooks.

A webhook gets entries after their commit, in batches, in the order of the feed, each batch at
least once: the next is sent when the one before was answered with 2xx. Deliveries are signed as
Standard Webhooks says (``webhook-id``, ``webhook-timestamp``, ``webhook-signature``); a repeated
batch has the same ``webhook-id``, by which a receiver leaves it out.
"""

from msgspec import UNSET, Raw, Struct, UnsetType

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import NotFound, Unavailable
from hongyan.kernel.ids import UserId

from .model import DeadLetter, WebhookAttempt


class DeliveredEntry(Struct, frozen=True):
    """An entry as a webhook gets it; ``position`` is its place in the feed of all entries."""

    position: int
    log_id: str
    seq: int
    ordinal: int
    kind: str
    sender: str
    client_id: str
    sent_at_ms: int
    body: Raw


class DeliveryData(Struct, frozen=True):
    """The entries of a delivery, by ascending position."""

    webhook_id: str
    entries: tuple[DeliveredEntry, ...]


class WebhookDelivery(Struct, frozen=True):
    """The body of a post to a webhook; ``type`` is ``entries``."""

    type: str
    timestamp: str
    """When the last entry was made, as RFC 3339."""
    data: DeliveryData


class WebhookInfo(Struct, frozen=True):
    """A webhook as administrators see it."""

    webhook_id: str
    name: str
    url: str
    kinds: tuple[str, ...]
    conversation_ids: tuple[str, ...]
    user_id: UserId
    batch_max: int
    active: bool
    created_by: UserId
    created_at_ms: int
    position: int
    """Its position in the feed."""


class NewWebhook(Struct, frozen=True):
    """A webhook, and the secret that signs its deliveries; the secret is shown only now."""

    info: WebhookInfo
    secret: str


class CreateWebhook(Command[NewWebhook], frozen=True, kw_only=True):
    """Subscribe a URL to what happens from now on.

    Raises:
        Invalid, LimitReached: the URL, a kind or a number is wrong, or there are 100 webhooks.
    """

    METHOD = "webhook.create"
    ACCESS = Access.ADMIN

    url: str
    """``https://`` or ``http://``, at most 2,000 characters."""
    name: str = ""
    """At most 64 characters."""
    kinds: tuple[str, ...] = ()
    """Such as ``message`` or ``members.*``, at most 50; empty takes all kinds in conversations.
    Entries of users' own logs come only where their kind is named in full."""
    conversation_ids: tuple[str, ...] = ()
    """Only these, at most 1,000; empty for all."""
    user_id: UserId = UserId("")
    """Only what this bot could see: entries of the conversations that it is in."""
    batch_max: int = 100
    """1 to 500 entries in a delivery."""


class WebhookPage(Struct, frozen=True):
    """All webhooks (there are at most 100), by id."""

    webhooks: tuple[WebhookInfo, ...]


class ListWebhooks(Command[WebhookPage], frozen=True, kw_only=True):
    """List all webhooks and how far they have come."""

    METHOD = "webhook.list"
    ACCESS = Access.ADMIN
    READS_ONLY = True


class UpdateWebhook(Command[WebhookInfo], frozen=True, kw_only=True):
    """Change what is given and leave the rest. An inactive webhook keeps its place.

    Raises:
        NoSuchWebhook: there is none.
        Invalid, LimitReached: as ``webhook.create``.
    """

    METHOD = "webhook.update"
    ACCESS = Access.ADMIN

    webhook_id: str
    url: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    kinds: tuple[str, ...] | UnsetType = UNSET
    conversation_ids: tuple[str, ...] | UnsetType = UNSET
    batch_max: int | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class DeleteWebhook(Command[Done], frozen=True, kw_only=True):
    """Remove a webhook, its attempts and its dead letters.

    Raises:
        NoSuchWebhook: there is none.
    """

    METHOD = "webhook.delete"
    ACCESS = Access.ADMIN

    webhook_id: str


class RotateSecret(Command[NewWebhook], frozen=True, kw_only=True):
    """Give a webhook another secret; the one before signs too for a while.

    Raises:
        NoSuchWebhook: there is none.
        Invalid: ``overlap_s`` is not 0 to 604,800.
    """

    METHOD = "webhook.rotate_secret"
    ACCESS = Access.ADMIN

    webhook_id: str
    overlap_s: int = 86_400
    """Seconds in which deliveries are signed with both secrets."""


class ReplayWebhook(Command[WebhookInfo], frozen=True, kw_only=True):
    """Deliver again everything after a position (or leave out everything up to it).

    Raises:
        NoSuchWebhook: there is none.
        Invalid: the position is negative, or beyond the end of the feed.
    """

    METHOD = "webhook.replay"
    ACCESS = Access.ADMIN

    webhook_id: str
    position: int
    """0 for everything from the beginning."""


class WebhookAttempts(Struct, frozen=True):
    """The latest attempts (at most 100), the newest first."""

    attempts: tuple[WebhookAttempt, ...]


class ListAttempts(Command[WebhookAttempts], frozen=True, kw_only=True):
    """List the latest attempts at deliveries of a webhook.

    Raises:
        NoSuchWebhook: there is none.
    """

    METHOD = "webhook.attempts"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    webhook_id: str


class DeadLetters(Struct, frozen=True):
    """Some dead letters; ``next_after`` is the ``after`` of the next page, empty at the end."""

    dead_letters: tuple[DeadLetter, ...]
    next_after: str = ""


class ListDeadLetters(Command[DeadLetters], frozen=True, kw_only=True):
    """List the batches of a webhook that were given up, by position.

    Raises:
        NoSuchWebhook: there is none.
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "webhook.dead_letters"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    webhook_id: str
    after: str = ""
    limit: int = 100


class Redeliver(Command[Done], frozen=True, kw_only=True):
    """Try a dead letter once more, at once and out of order; it goes when that succeeds.

    Raises:
        NoSuchWebhook: there is no such webhook, or no such dead letter.
        NotDelivered: the receiver did not take it.
    """

    METHOD = "webhook.redeliver"
    ACCESS = Access.ADMIN

    webhook_id: str
    first: int
    """The dead letter's first position."""


class NoSuchWebhook(NotFound):
    """There is no such webhook or dead letter."""

    code = "no_such_webhook"
    message = "There is no such webhook or dead letter."


class NotDelivered(Unavailable):
    """The receiver did not take a delivery."""

    code = "not_delivered"
    message = "The receiver did not take the delivery; see the attempts."
