"""Folding of entries into the local store: messages, their changes, and counts."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import convert, to_builtins
from msgspec.structs import replace

from .events import (
    ConversationChanged,
    EntryReceived,
    Event,
    MessageChanged,
    MessageReceived,
    MessageSent,
    UserLogReceived,
)
from .models import (
    CONVERSATION_CHANGED,
    CONVERSATION_DISSOLVED,
    CONVERSATION_READ,
    MEMBER_CHANGED,
    MEMBERS_JOINED,
    MEMBERS_LEFT,
    MEMBERSHIP_JOINED,
    MESSAGE,
    MESSAGE_BURNED,
    MESSAGE_EDITED,
    MESSAGE_PINNED,
    MESSAGE_REACTED,
    MESSAGE_RECALLED,
    MESSAGES_HIDDEN,
    POLL_CLOSED,
    POLL_VOTED,
    PREFERENCE_CHANGED,
    Conversation,
    Entry,
    Message,
    PollState,
)
from .store import Store

Reactions = dict[str, list[str]]
Body = dict[str, Any]


def messages_of(store: Store, entries: list[Entry]) -> list[Message]:
    """Return the messages among a stretch of one conversation's entries, reactions included."""
    if not entries:
        return []
    reactions: dict[int, Reactions] = {}
    for entry in store.reactions(entries[0].log_id, entries[0].seq, entries[-1].seq):
        _react(reactions.setdefault(int(entry.body["seq"]), {}), entry)
    return [
        message_of(entry, reactions.get(entry.seq)) for entry in entries if entry.kind == MESSAGE
    ]


def message_of(entry: Entry, reactions: Reactions | None = None) -> Message:
    """Return the message that a message entry holds."""
    content = entry.body.get("content")
    is_there = content is not None
    return Message(
        conversation_id=entry.log_id,
        seq=entry.seq,
        ordinal=entry.ordinal,
        sender=entry.sender,
        client_id=entry.client_id,
        sent_at_ms=entry.sent_at_ms,
        content=content,
        body=entry.body,
        reactions=reactions if reactions and is_there else {},
        pinned=is_there and bool(entry.body.get("pinned", False)),
        poll=_poll(entry.body),
    )


def apply_entry(store: Store, me: str, entry: Entry) -> list[Event]:
    """Put the next entry of a conversation into the store and return the events for the app.

    To be called inside a transaction, in the order of the log, once for each entry, with
    the conversation known to the store.
    """
    conversation = store.conversation(entry.log_id) or Conversation(conversation_id=entry.log_id)
    store.put_entries([entry])
    changed, events = _told(store, me, entry, conversation)
    changed = replace(changed, tip=entry.seq, ordinal=max(entry.ordinal, changed.ordinal))
    store.put_conversation(changed)
    return [*events, ConversationChanged(changed)]


def apply_entries(store: Store, me: str, entries: Iterable[Entry]) -> list[Event]:
    """Put the next entries of logs into the store, in order; return the events for the app."""
    events: list[Event] = []
    for entry in entries:
        if entry.log_id[:1] == "@":
            events += apply_user_entry(store, entry)
            events.append(UserLogReceived(entry))
        else:
            events += apply_entry(store, me, entry)
    return events


def apply_user_entry(store: Store, entry: Entry) -> list[Event]:
    """Do the same for the next entry of the user's own log."""
    store.put_user_tip(entry.seq)
    conversation = store.conversation(str(entry.body.get("conversation_id", "")))
    if conversation is None:
        return []
    if entry.kind == CONVERSATION_READ:
        changed = read_up_to(store, conversation, entry.body)
    elif entry.kind == PREFERENCE_CHANGED:
        changed = _preferred(store, conversation, entry.body)
    elif entry.kind == MESSAGES_HIDDEN:
        for seq in entry.body.get("seqs", ()):
            store.drop_entries(conversation.conversation_id, seq, seq)
        changed = conversation
    else:
        return []
    store.put_conversation(changed)
    return [ConversationChanged(changed)]


def joined_by(store: Store, entry: Entry) -> str:
    """Return which conversation, not known as ours, the entry makes ours; empty for none."""
    if entry.kind != MEMBERSHIP_JOINED:
        return ""
    conversation_id = str(entry.body.get("conversation_id", ""))
    local = store.conversation(conversation_id)
    return "" if local is not None and local.active else conversation_id


def read_up_to(store: Store, conversation: Conversation, mark: Body) -> Conversation:
    """Return the conversation as it is when read up to ``read_seq`` and ``read_ordinal``."""
    read_seq = max(conversation.read_seq, int(mark.get("read_seq", 0)))
    if conversation.marked_unread:
        conversation = _informed(conversation, "preference", {"marked_unread": False})
    changed = replace(
        conversation,
        read_seq=read_seq,
        read_ordinal=max(conversation.read_ordinal, int(mark.get("read_ordinal", 0))),
    )
    if not changed.mentions or not changed.unread:
        return replace(changed, mentions=0)
    own = str((conversation.info.get("member") or {}).get("user_id", ""))
    left = store.entries(
        conversation.conversation_id, read_seq + 1, conversation.tip, 1000, kinds=(MESSAGE,)
    )
    return replace(changed, mentions=sum(_mentions(conversation, e.body, own) for e in left))


def _preferred(store: Store, conversation: Conversation, body: Body) -> Conversation:
    before = int((conversation.info.get("preference") or {}).get("cleared_seq", 0))
    changed = replace(conversation, info={**conversation.info, "preference": body})
    cleared = int(body.get("cleared_seq", 0))
    if cleared > before:
        store.drop_entries(conversation.conversation_id, 0, cleared)
        mark = {"read_seq": cleared, "read_ordinal": body.get("cleared_ordinal", 0)}
        changed = read_up_to(store, changed, mark)
    return changed


def _told(
    store: Store, me: str, entry: Entry, conversation: Conversation
) -> tuple[Conversation, list[Event]]:
    """Return the conversation after the entry, and the events to publish."""
    if entry.kind == MESSAGE:
        return _arrived(store, me, entry, conversation)
    if entry.kind in _CHANGES:
        conversation, events = _changed(store, me, entry, conversation)
        return conversation, [*events, EntryReceived(entry)] if entry.kind in _ALSO else events
    about = _ABOUT_IT.get(entry.kind)
    if about is not None:
        conversation = about(conversation, entry, me)
    return conversation, [EntryReceived(entry)]


def _arrived(
    store: Store, me: str, entry: Entry, conversation: Conversation
) -> tuple[Conversation, list[Event]]:
    changed = replace(conversation, active_at_ms=entry.sent_at_ms)
    message = message_of(entry)
    if entry.sender == me:  # to write is to have read
        changed = replace(
            changed,
            read_seq=max(entry.seq, changed.read_seq),
            read_ordinal=max(entry.ordinal, changed.read_ordinal),
            mentions=0,
        )
        if entry.client_id and store.drop_item(entry.client_id):
            return changed, [MessageSent(message)]
    elif entry.seq > changed.read_seq and _mentions(changed, entry.body, me):
        changed = replace(changed, mentions=changed.mentions + 1)
    if entry.sent_at_ms < conversation.joined_at_ms:
        return changed, []
    return changed, [MessageReceived(message)]


def _changed(
    store: Store, me: str, entry: Entry, conversation: Conversation
) -> tuple[Conversation, list[Event]]:
    seq = int(entry.body.get("seq", 0))
    target = store.entry(entry.log_id, seq)
    if target is None or target.kind != MESSAGE:
        return conversation, []
    change = _CHANGES[entry.kind]
    if change is not None:
        if change is _edited and _outdates(target.body, entry.body):
            store.put_outdated(entry.log_id, seq)
            return conversation, []  # published when the new content is here
        return _replaced(store, me, conversation, target, change(target.body, entry, me))
    return conversation, [MessageChanged(message) for message in messages_of(store, [target])]


def apply_current(store: Store, me: str, now: Entry) -> list[Event]:
    """Put a message as the server has it now in the place of an older one.

    To be called inside a transaction. A message that is not here stays away.
    """
    conversation, target = store.conversation(now.log_id), store.entry(now.log_id, now.seq)
    if conversation is None or target is None or target.kind != MESSAGE:
        return []
    if target.body.get("content") is None:
        return []  # it has ended meanwhile
    if now.body.get("content") is not None and _version(now.body) <= _version(target.body):
        return []  # a later edit was quicker
    kept = {name: target.body[name] for name in _MARKS if name in target.body}
    changed, events = _replaced(store, me, conversation, target, {**now.body, **kept})
    if changed != conversation:
        store.put_conversation(changed)
        events.append(ConversationChanged(changed))
    return events


def _replaced(
    store: Store, me: str, conversation: Conversation, target: Entry, body: Body
) -> tuple[Conversation, list[Event]]:
    """Give a message another body, and count its mentions anew."""
    changed = replace(target, body=body)
    store.put_entries([changed])
    if target.seq > conversation.read_seq and target.sender != me:
        more = _mentions(conversation, body, me) - _mentions(conversation, target.body, me)
        conversation = replace(conversation, mentions=max(0, conversation.mentions + more))
    return conversation, [MessageChanged(message) for message in messages_of(store, [changed])]


def _mentions(conversation: Conversation, body: Body, me: str) -> bool:
    for entity in (body.get("content") or {}).get("entities", ()):
        kind = entity.get("type")
        if kind == "mention_all" or (kind == "mention" and entity.get("user_id") == me):
            return True
        if kind == "mention_admins" and conversation.role != "member":
            return True
    return False


def _react(reactions: Reactions, entry: Entry) -> None:
    emoji = str(entry.body.get("emoji", ""))
    users = [user for user in reactions.get(emoji, []) if user != entry.sender]
    if entry.body.get("added", True):
        users.append(entry.sender)
    reactions[emoji] = users
    if not users:
        del reactions[emoji]


def _version(body: Body) -> int:
    return int(body.get("version", 1))


def _outdates(body: Body, news: Body) -> bool:
    """Return whether an edit says that there is another content, but not which."""
    if body.get("content") is None or news.get("content") is not None:
        return False
    return _version(news) > _version(body)


def _edited(body: Body, entry: Entry, _: str) -> Body:
    news = entry.body
    if body.get("content") is None or news.get("content") is None:
        return body  # it has ended, or the edit does not have its content
    if _version(news) <= _version(body):
        return body  # the message came with this edit, or a later one, already
    return {**body, **{name: news[name] for name in _EDITED_FIELDS if name in news}}


def _recalled(body: Body, entry: Entry, _: str) -> Body:
    return {**body, "content": None, "recalled_by": entry.sender}


def _burned(body: Body, _entry: Entry, _: str) -> Body:
    return {**body, "content": None, "burned": True}


def _pinned(body: Body, entry: Entry, _: str) -> Body:
    return {**body, "pinned": bool(entry.body.get("pinned", True))}


def _voted(body: Body, entry: Entry, me: str) -> Body:
    poll, news = _poll(body), entry.body
    if poll is None:
        return body
    choice = news.get("choice") if entry.sender == me else None
    mine = poll.mine if choice is None else tuple(choice)
    return {**body, "poll": to_builtins(_tallied(poll, news, mine=mine))}


def _closed(body: Body, entry: Entry, _: str) -> Body:
    poll = _poll(body)
    if poll is None:
        return body
    return {**body, "poll": to_builtins(_tallied(poll, entry.body, closed=True))}


def _tallied(poll: PollState, news: Body, **more: Any) -> PollState:
    return replace(poll, tallies=tuple(news["tallies"]), voters=int(news["voters"]), **more)


def _poll(body: Body) -> PollState | None:
    """Return how the poll stands that a message is; None for what is none, or has ended."""
    content = body.get("content") or {}
    if content.get("type") != "poll":
        return None
    kept = body.get("poll")
    if kept is None:
        return PollState(tallies=(0,) * len(content.get("options", ())))
    return convert(kept, PollState)


def _joined(conversation: Conversation, entry: Entry, me: str) -> Conversation:
    users = entry.body.get("user_ids", ())
    return replace(
        conversation,
        active=conversation.active or me in users,
        member_count=conversation.member_count + len(users),
    )


def _left(conversation: Conversation, entry: Entry, me: str) -> Conversation:
    users = entry.body.get("user_ids", ())
    return replace(
        conversation,
        active=conversation.active and me not in users,
        member_count=max(0, conversation.member_count - len(users)),
    )


def _member_changed(conversation: Conversation, entry: Entry, me: str) -> Conversation:
    if entry.body.get("user_id") != me:
        return conversation
    return _informed(conversation, "member", entry.body)


def _conversation_changed(conversation: Conversation, entry: Entry, _: str) -> Conversation:
    if not conversation.info.get("group"):
        return conversation
    changed = _informed(conversation, "group", entry.body)
    return replace(changed, name=str(entry.body.get("name") or conversation.name))


def _dissolved(conversation: Conversation, _entry: Entry, _: str) -> Conversation:
    if not conversation.info.get("group"):
        return conversation
    return _informed(conversation, "group", {"dissolved": True})


def _informed(conversation: Conversation, part: str, news: Body) -> Conversation:
    """Return the conversation with what is not None of the news in a part of its ``info``."""
    given = {name: value for name, value in news.items() if value is not None}
    info = {**conversation.info, part: {**(conversation.info.get(part) or {}), **given}}
    return replace(conversation, info=info)


_EDITED_FIELDS = ("content", "version", "edited_at_ms")
_ALSO = frozenset({MESSAGE_PINNED, POLL_VOTED, POLL_CLOSED})
"""The changes of a message that an app may want to show as something that happened, too."""
_MARKS = ("pinned", "poll")
"""Fields that are noted in a message's body here, beside what the server sends of it."""
_CHANGES: dict[str, Callable[[Body, Entry, str], Body] | None] = {
    MESSAGE_EDITED: _edited,
    MESSAGE_RECALLED: _recalled,
    MESSAGE_BURNED: _burned,
    MESSAGE_REACTED: None,
    MESSAGE_PINNED: _pinned,
    POLL_VOTED: _voted,
    POLL_CLOSED: _closed,
}
_ABOUT_IT: dict[str, Callable[[Conversation, Entry, str], Conversation]] = {
    MEMBERS_JOINED: _joined,
    MEMBERS_LEFT: _left,
    MEMBER_CHANGED: _member_changed,
    CONVERSATION_CHANGED: _conversation_changed,
    CONVERSATION_DISSOLVED: _dissolved,
}
