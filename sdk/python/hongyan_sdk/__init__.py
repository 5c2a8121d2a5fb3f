"""The Python client of Hongyan: headless, asynchronous, typed, works offline.

Start with ``Client``.
"""

from .backoff import Backoff
from .chats import Chat
from .client import Client
from .contacts import Contacts
from .errors import (
    ConnectionLost,
    HongyanError,
    LoggedOut,
    ProtocolError,
    Refused,
    StoreInUse,
)
from .events import (
    Connected,
    ConversationChanged,
    Disconnected,
    EntryReceived,
    Event,
    LoggedOutEvent,
    MessageChanged,
    MessageFailed,
    MessageReceived,
    MessageSent,
    SignalReceived,
    UserLogReceived,
)
from .models import Content, Conversation, Entry, Message, PollState, text
from .store import MemoryStore, Store

__all__ = [
    "Backoff",
    "Chat",
    "Client",
    "Connected",
    "ConnectionLost",
    "Contacts",
    "Content",
    "Conversation",
    "ConversationChanged",
    "Disconnected",
    "Entry",
    "EntryReceived",
    "Event",
    "HongyanError",
    "LoggedOut",
    "LoggedOutEvent",
    "MemoryStore",
    "Message",
    "MessageChanged",
    "MessageFailed",
    "MessageReceived",
    "MessageSent",
    "PollState",
    "ProtocolError",
    "Refused",
    "SignalReceived",
    "Store",
    "StoreInUse",
    "UserLogReceived",
    "text",
]
