"""Commands about API keys, and their authentication.

A key is ``hy_<key id>_<secret>``. It is sent as a bearer token. An app server's key acts for a
user where the header ``Hongyan-On-Behalf-Of`` names one; a bot's key always acts for the bot.
"""

from msgspec import Struct

from hongyan.kernel.bus import Access, Actor, Command, Done
from hongyan.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Unauthenticated,
    Unavailable,
)
from hongyan.kernel.ids import UserId

from .model import KeyInfo, Scope

KEY_PREFIX = "hy_"


class NewKey(Struct, frozen=True):
    """A key that was just made. Its text is shown only now."""

    key: str
    info: KeyInfo


class CreateKey(Command[NewKey], frozen=True, kw_only=True):
    """Make an API key, for an app server or, with ``user_id``, for a bot.

    Raises:
        Invalid: the name is empty, there is no scope, or the expiry has passed.
        NoSuchUser: there is no such account.
        NotABot: the account is a person's.
    """

    METHOD = "key.create"
    ACCESS = Access.ADMIN

    name: str
    """1 to 64 characters; seen by administrators."""
    scopes: tuple[Scope, ...]
    user_id: UserId = UserId("")
    """The bot that the key is for; empty for an app server's key."""
    expires_at_ms: int = 0
    """0 for never."""


class KeyPage(Struct, frozen=True):
    """Some keys; ``next_after`` is the ``after`` of the next page, empty at the end."""

    keys: tuple[KeyInfo, ...]
    next_after: str = ""


class ListKeys(Command[KeyPage], frozen=True, kw_only=True):
    """List all API keys, revoked ones too, by key id.

    Raises:
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "key.list"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    after: str = ""
    limit: int = 100


class RevokeKey(Command[KeyInfo], frozen=True, kw_only=True):
    """Make a key worthless at once; what it has connected is cut. Revoking again is no error.

    Raises:
        NoSuchKey: there is no such key.
    """

    METHOD = "key.revoke"
    ACCESS = Access.ADMIN

    key_id: str


class AuthenticateKey(Command[Actor], frozen=True, kw_only=True):
    """Return the actor that this key stands for. Asked by access.

    Raises:
        KeyUnknown: the key is unknown, expired or revoked, or its bot is not active.
        NoSuchOne: ``on_behalf_of`` names no active user.
        Forbidden: a bot's key cannot act for others.
    """

    METHOD = "key.authenticate"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    key: str
    on_behalf_of: str = ""
    """An external id or a user id."""
    address: str = ""


class CheckKeys(Command[tuple[Actor | None, ...]], frozen=True, kw_only=True):
    """Return who these holders of keys are now, each in its place.

    None where the key is unknown, expired or revoked, or the user is not active.
    """

    METHOD = "key.check"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    holders: tuple[tuple[str, UserId], ...]
    """Keys by their ids, and for whom they act: ``system`` for an app server itself."""


class AnswerFound(Struct, frozen=True):
    """A stored answer; ``status`` 0 when there is none."""

    status: int = 0
    body: str = ""


class FindAnswer(Command[AnswerFound], frozen=True, kw_only=True):
    """Return the stored answer to a request with an idempotency key.

    Raises:
        KeyReused: the same key came with another request before.
    """

    METHOD = "answer.find"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    owner: str
    key: str
    fingerprint: str


class KeepAnswer(Command[Done], frozen=True, kw_only=True):
    """Store an answer for a day, so that a repeated request is answered alike."""

    METHOD = "answer.keep"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    owner: str
    key: str
    fingerprint: str
    status: int
    body: str


class NotABot(Invalid):
    """Only bots have keys; a person logs in."""

    code = "not_a_bot"
    message = "This account is a person's; make a bot for the program."


class NoSuchKey(NotFound):
    """There is no such API key."""

    code = "no_such_key"
    message = "There is no such API key."


class ScopeMissing(Forbidden):
    """The key lacks the scope that ``details["needs"]`` names."""

    code = "scope_missing"
    message = "This API key may not do this; give it a key with the scope it needs."


class NotForWidgets(Forbidden):
    """A widget does what its conversation needs, no more."""

    code = "not_for_widgets"
    message = "A chat on another site's page cannot do this; use the app itself."


class NotForKeys(Forbidden):
    """Only a person who is logged in can do this."""

    code = "not_for_keys"
    message = "An API key cannot do this; log in as a person."


class NoSuchOne(Invalid):
    """``Hongyan-On-Behalf-Of`` names nobody."""

    code = "on_behalf_of_unknown"
    message = "Hongyan-On-Behalf-Of names no active user."


class NobodyNamed(Invalid):
    """The request needs somebody for whom the key acts."""

    code = "on_behalf_of_needed"
    message = "Say in the header Hongyan-On-Behalf-Of for which user you ask."


class KeyReused(Conflict):
    """An idempotency key was used before, with another request."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another request; take a new one."


class KeyUnknown(Unauthenticated):
    """The API key is unknown, expired or revoked."""

    code = "api_key_invalid"
    message = "This API key is not valid; ask the administrator for another."


class RefusedByHook(Refusal):
    """The business's own rules do not allow the message.

    No ``Forbidden``: of that, a sender asks again with a fresh context.
    """

    code = "refused_by_hook"
    message = "This message is not allowed here."


class HookUnavailable(Unavailable):
    """The business cannot be asked about the message just now."""

    code = "hook_unavailable"
    message = "Messages cannot be checked at the moment; try again."
