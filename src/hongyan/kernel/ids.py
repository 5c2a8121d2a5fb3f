"""Identifiers: their types, how they are made and what may be read from them.

A conversation's id starts with a letter that says its kind, so that nobody has to look
the kind up. A direct conversation's id is derived from its two members, so that a pair can
never have two.

Ids are compared exactly, and all that are made are in lower case: no two differ by case only, so
that they may pass through what does not distinguish cases, such as host names, file systems and
XMPP. What others make and we only keep (client ids, external ids) is compared exactly as well,
whatever its letters; handles, addresses and codes that people type are folded to lower case before
anything else.
"""

import base64
import hashlib
import os
import re
import time
from enum import StrEnum
from typing import NewType

UserId = NewType("UserId", str)
"""1 to 64 characters of ``a-z 0-9 . _ -``; made by us or given by an administrator. Accounts of
before may have capitals in theirs; no new id differs from one of those by case only."""
DeviceId = NewType("DeviceId", str)
"""One installation of a client that is logged in as one user."""
ConnectionId = NewType("ConnectionId", str)
"""One connection of a device, on whichever node; it is never used again."""
ConversationId = NewType("ConversationId", str)
LogId = NewType("LogId", str)
"""A conversation's id, or ``@`` and a user's id for that user's own log."""
ClientId = NewType("ClientId", str)
"""Chosen by the sender, 1 to 64 characters; makes a retry recognisable for ever."""

SYSTEM = UserId("system")
"""The account that writes notices. Nobody can log in as it."""


class Kind(StrEnum):
    """The kinds of conversation."""

    DIRECT = "direct"
    GROUP = "group"
    CHANNEL = "channel"
    SELF = "self"
    SYSTEM = "system"


_KINDS = {"d": Kind.DIRECT, "g": Kind.GROUP, "c": Kind.CHANNEL, "n": Kind.SELF, "s": Kind.SYSTEM}
_MADE = re.compile("[ux][0-9a-v]{16}")
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}


def kind_of(conversation_id: str) -> Kind | None:
    """Return the kind that the id names, or None when it is no conversation's id."""
    return _KINDS.get(conversation_id[:1]) if len(conversation_id) == 17 else None


def user_log(user_id: UserId) -> LogId:
    """Return the id of the log that only this user's devices may read."""
    return LogId("@" + user_id)


def log_owner(log_id: LogId) -> UserId | None:
    """Return whose log this is, or None when it is a conversation's."""
    return UserId(log_id[1:]) if log_id[:1] == "@" else None


def _base32(raw: bytes) -> str:
    return base64.b32hexencode(raw).decode("ascii").rstrip("=").lower()


def _stamped() -> str:
    """16 characters: 48 bits of milliseconds, then 32 random bits. Sorts by creation time."""
    return _base32(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(4))


def _derived(*parts: str) -> str:
    """16 characters that follow from the parts alone (80 bits of BLAKE2b)."""
    return _base32(hashlib.blake2b("\0".join(parts).encode(), digest_size=10).digest())


def new_user_id() -> UserId:
    """Return a fresh user id."""
    return UserId("u" + _stamped())


def external_user_id(external_id: str) -> UserId:
    """Return the id of the account that an app server knows by this id of its own.

    Derived, so that a repeated import finds the account that the first one made.
    """
    return UserId("x" + _derived("user", external_id))


def is_made_here(user_id: str) -> bool:
    """Return whether the id looks like one that was made here, and not given by somebody."""
    return _MADE.fullmatch(user_id) is not None


def new_device_id() -> DeviceId:
    """Return a fresh device id."""
    return DeviceId("v" + _base32(os.urandom(10)))


def new_connection_id() -> ConnectionId:
    """Return a fresh connection id."""
    return ConnectionId("k" + _base32(os.urandom(10)))


def new_widget_id() -> DeviceId:
    """Return a fresh id of a device that is a widget on somebody else's page."""
    return DeviceId("w" + _base32(os.urandom(10)))


def is_widget(device_id: DeviceId) -> bool:
    """Return whether the device is a widget on somebody else's page."""
    return device_id[:1] == "w"


def new_token_id() -> str:
    """Return 26 random characters (128 bits) for links, tickets and one-time codes."""
    return _base32(os.urandom(16))


def group_id(creator: UserId, client_id: ClientId, kind: Kind = Kind.GROUP) -> ConversationId:
    """Return the id of the group or channel that this creator makes with this client id.

    Derived, so that a retried creation finds the group that the first try made.
    """
    return ConversationId(_LETTERS[kind] + _derived(creator, client_id))


def direct_id(one: UserId, other: UserId) -> ConversationId:
    """Return the id of the only direct conversation between two users, in either order."""
    low, high = sorted((one, other))
    return ConversationId("d" + _derived(low, high))


def self_id(user_id: UserId) -> ConversationId:
    """Return the id of a user's note-to-self conversation."""
    return ConversationId("n" + _derived(user_id))


def system_id(user_id: UserId) -> ConversationId:
    """Return the id of the conversation in which the system writes to this user."""
    return ConversationId("s" + _derived(user_id))
