"""Commands of app servers: their users, log-ins, groups of their business, notices.

People are named by ``external_id``, the app server's own id for them; groups by theirs.
"""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from hongyan.domain.group.commands import NotAdded
from hongyan.domain.group.model import JoinPolicy
from hongyan.domain.message.commands import Ack
from hongyan.domain.message.model import Content
from hongyan.domain.user.commands import Profile, Tokens
from hongyan.domain.user.commands_login_tokens import LoginToken
from hongyan.domain.user.model import Platform
from hongyan.kernel.bus import Access, Command
from hongyan.kernel.errors import NotFound
from hongyan.kernel.ids import ClientId, ConversationId, UserId

from .commands import NewKey
from .model import Scope


class Upserted(Struct, frozen=True):
    """The account as it is known here, and what the command made of it."""

    external_id: str
    user_id: UserId
    outcome: Literal["created", "changed", "unchanged"]


class UpsertUser(Command[Upserted], frozen=True, kw_only=True):
    """Make the account with this external id, or change it to what is given.

    Idempotent. An account made here has no password: its devices log in with minted tokens.
    What is not given stays as it is.

    Raises:
        HandleTaken, EmailTaken, PhoneTaken: somebody else has it.
        Invalid, LimitReached: a value is malformed or too long.
        NotFound: the account was deleted.
    """

    METHOD = "app.user_upsert"
    ACCESS = Access.ADMIN

    external_id: str
    """1 to 128 printable characters."""
    name: str | UnsetType = UNSET
    """At most 64 characters; a new account without one is called by its external id."""
    handle: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    avatar: str | UnsetType = UNSET
    bio: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    bot: bool = False
    """Of a new account only: it is a program's, such as a system account's."""


class ExternalProfile(Struct, frozen=True):
    """A user, and the external id."""

    external_id: str
    profile: Profile


class GetExternalUser(Command[ExternalProfile], frozen=True, kw_only=True):
    """Return the user with this external id.

    Raises:
        NoSuchExternalUser: there is none.
    """

    METHOD = "app.user_get"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    external_id: str


class MintAppToken(Command[Tokens], frozen=True, kw_only=True):
    """Log a device of one of the app server's users in, silently.

    Every call makes a device; the app hands the tokens to its user's client.

    Raises:
        NoSuchExternalUser: there is no such user.
        AccountDeactivated: the account is asleep.
        Invalid: the lifetime is longer than a year.
        Forbidden: the user is an administrator.
    """

    METHOD = "app.mint_token"
    ACCESS = Access.ADMIN

    external_id: str
    platform: Platform = "web"
    device_name: str = ""
    expires_in_s: int = 0
    """Of the access token; 0 takes the server's setting."""


class MintLoginToken(Command[LoginToken], frozen=True, kw_only=True):
    """Make a token with which a widget on the app server's own page logs in as its user.

    It is good for one log-in and for a short time. Nothing is stored until it is used, so it
    may be made whenever a page is drawn.

    Raises:
        NoSuchExternalUser: there is no such user, or no such peer.
        AccountDeactivated: the account is asleep.
        Invalid: the lifetime is not 10 to 600 seconds.
        Forbidden: the user is an administrator.
    """

    METHOD = "app.mint_login_token"
    ACCESS = Access.ADMIN

    external_id: str
    peer: str = ""
    """The external id of somebody with whom the widget may begin to talk; empty for nobody."""
    expires_in_s: int = 120


class NewBot(Struct, frozen=True):
    """A bot, and the key that it speaks with; the key is shown only now."""

    external_id: str
    user_id: UserId
    key: NewKey


class CreateBot(Command[NewBot], frozen=True, kw_only=True):
    """Make a bot (or take the one with this external id) and a new key for it.

    Raises:
        NotABot: the external id is a person's.
        ScopeMissing: the calling key lacks a scope that the bot is to have.
        Invalid, LimitReached: a value is malformed or too long.
    """

    METHOD = "app.bot_create"
    ACCESS = Access.ADMIN

    external_id: str
    name: str
    scopes: tuple[Scope, ...] = ("messages:read", "messages:send", "conversations:read")
    expires_at_ms: int = 0


class BoundConversation(Struct, frozen=True):
    """The conversation that belongs to an object of the business."""

    external_id: str
    conversation_id: ConversationId
    owner_id: UserId
    name: str
    member_count: int
    created: bool = False
    not_added: tuple[NotAdded, ...] = ()


class CreateBoundConversation(Command[BoundConversation], frozen=True, kw_only=True):
    """Make the group that belongs to an object of the business, or return the one there is.

    Idempotent by ``external_id``, whatever else is given. Members are added whatever their
    privacy says, for the app server answers for its users.

    Raises:
        NoSuchExternalUser: the owner or a member is unknown; nothing was made.
        Invalid, LimitReached: a value is malformed or too long.
    """

    METHOD = "app.conversation_create"
    ACCESS = Access.ADMIN

    external_id: str
    """1 to 128 printable characters."""
    owner: str
    """The owner's external id."""
    members: tuple[str, ...] = ()
    """External ids, at most 500."""
    name: str
    kind: Literal["group", "channel"] = "group"
    avatar: str = ""
    join_policy: JoinPolicy = "closed"
    members_limit: int = 500


class GetBoundConversation(Command[BoundConversation], frozen=True, kw_only=True):
    """Return the group that belongs to an object of the business.

    Raises:
        NoSuchConversation: there is none.
    """

    METHOD = "app.conversation_get"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    external_id: str


class Changed(Struct, frozen=True):
    """The users added or removed, and those who could not be, by user id."""

    conversation_id: ConversationId
    user_ids: tuple[UserId, ...]
    not_added: tuple[NotAdded, ...] = ()


class AddBoundMembers(Command[Changed], frozen=True, kw_only=True):
    """Add users to a bound group; who is in it already is left out.

    Raises:
        NoSuchConversation: there is no such group.
        NoSuchExternalUser: one of them is unknown; nobody was added.
        LimitReached: more than 500 are named.
    """

    METHOD = "app.members_add"
    ACCESS = Access.ADMIN

    external_id: str
    members: tuple[str, ...]
    """External ids of users."""


class RemoveBoundMembers(Command[Changed], frozen=True, kw_only=True):
    """Remove users from a bound group; who is not in it is left out.

    Raises:
        NoSuchConversation: there is no such group.
        NoSuchExternalUser: one of them is unknown; nobody was removed.
        Invalid: the owner is among them.
        LimitReached: more than 100 are named.
    """

    METHOD = "app.members_remove"
    ACCESS = Access.ADMIN

    external_id: str
    members: tuple[str, ...]
    """External ids of users."""


class Notify(Command[Ack], frozen=True, kw_only=True):
    """Write to a user as a system account, in the conversation in which nobody can answer.

    The account is a bot that ``app.user_upsert`` made. Idempotent by ``client_id``.

    Raises:
        NoSuchExternalUser: the user or the account is unknown.
        NotABot: the account is a person's.
        Invalid, LimitReached: the content is empty or too large.
    """

    METHOD = "app.notify"
    ACCESS = Access.ADMIN

    external_id: str
    """The user to notify."""
    account: str
    """The external id of the system account."""
    client_id: ClientId
    content: Content


class NoSuchExternalUser(NotFound):
    """No user has this external id; ``details["external_id"]`` says which."""

    code = "no_such_external_user"
    message = "No user has this external id; upsert it first."


class NoSuchConversation(NotFound):
    """No group belongs to this object."""

    code = "no_such_conversation"
    message = "No conversation has this external id; create it first."
