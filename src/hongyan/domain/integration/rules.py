"""What a key may do, what a webhook takes, and how deliveries are signed: pure functions."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from hongyan.domain.log.model import Entry
from hongyan.kernel.bus import Access, Actor, Command
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import log_owner
from hongyan.kernel.limits import check_length

from .api import NobodyNamed, NotForKeys, ScopeMissing
from .model import Scope, Webhook, WebhookSecret

NAME_MAX = 64
URL_MAX = 2_000
KINDS_MAX = 50
CONVERSATIONS_MAX = 1_000
EXTERNAL_ID_MAX = 128
SECRET_BYTES = 24
_KIND = re.compile(r"\*|[a-z_]+(\.[a-z_]+)*(\.\*)?")

_METHODS: Final[dict[Scope, str]] = {
    "users:read": """
        user.me user.get user.search user.list relation.get relation.friends relation.blocked
        relation.requests presence.get presence.watch presence.unwatch app.user_get
    """,
    "users:write": """
        user.update user.deactivate user.reactivate user.kick relation.request relation.answer
        relation.remark relation.mute relation.block relation.unblock relation.delete
        app.user_upsert
    """,
    "tokens:mint": "app.mint_token",
    "conversations:read": """
        conversation.get conversation.list conversation.folders group.get group.mine group.members
        group.bans group.join_requests group.link_list group.link_preview group.preview
        app.conversation_get
    """,
    "conversations:write": """
        conversation.open_direct conversation.open_self conversation.preference
        conversation.draft conversation.clear conversation.hide_messages
        group.create group.update group.dissolve group.transfer group.invite group.add_members
        group.kick group.leave group.set_role group.set_nickname group.mute_member group.ban
        group.unban group.join group.answer_request group.link_create group.link_revoke
        group.link_join app.conversation_create app.members_add app.members_remove
    """,
    "messages:read": """
        conversation.history conversation.sync conversation.user_log conversation.read
        conversation.delivered conversation.readers conversation.cursors message.get
        message.revisions message.favourites message.favourite message.unfavourite
        message.marks message.pins message.reactors message.schedules poll.votes
        media.get media.ticket media.usage
    """,
    "messages:send": """
        conversation.typing message.send message.edit message.recall message.forward
        message.schedule message.reschedule message.unschedule message.react message.pin
        message.unpin poll.vote poll.close app.notify media.claim
    """,
    "webhooks:write": """
        webhook.create webhook.list webhook.update webhook.delete webhook.rotate_secret
        webhook.replay webhook.attempts webhook.dead_letters webhook.redeliver
    """,
    "bots": "app.bot_create",
}
SCOPES: Final[dict[str, Scope]] = {
    method: scope for scope, methods in _METHODS.items() for method in methods.split()
}
"""The scope that a key needs for a method; a method that is not here is not for keys."""


def check_scope(actor: Actor, command: type[Command[object]]) -> None:
    """Refuse what the actor's key may not do; whoever has no key passes.

    Raises:
        NotForKeys: no key may.
        ScopeMissing: this key may not.
        NobodyNamed: it is something that a user does, and the key acts for none.
    """
    if not actor.key_id or command.ACCESS == Access.ANYONE:
        return
    needs = SCOPES.get(command.METHOD)
    if needs is None:
        raise NotForKeys
    if needs not in actor.scopes:
        raise ScopeMissing(needs=needs)
    if command.ACCESS == Access.USER and actor.admin:
        raise NobodyNamed


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
    """Which entries a webhook takes.

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
