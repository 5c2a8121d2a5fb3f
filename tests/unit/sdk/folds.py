"""One case of ``protocol/folds``: entries in, state out, as the Python SDK folds them."""

from typing import Any

from msgspec import Struct, convert

from hongyan_sdk import MemoryStore, Message
from hongyan_sdk.fold import apply_entry, apply_user_entry, messages_of
from hongyan_sdk.models import Conversation, Entry
from hongyan_sdk.remote import Remote, merge_remote


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation as the server told it first, and what came then; see the README there."""

    name: str
    me: str
    conversation: Remote
    entries: tuple[Entry, ...]
    state: dict[str, Any] = {}


def folded(case: Case) -> dict[str, Any]:
    """Return the state that the entries lead to."""
    store, where = MemoryStore(), case.conversation.conversation_id
    with store.transaction():
        first = Conversation(
            conversation_id=where,
            kind=case.conversation.kind,
            tip=case.conversation.head.seq,
            floor=case.conversation.head.seq + 1,
        )
        store.put_conversation(merge_remote(first, case.conversation))
        for entry in case.entries:
            if entry.log_id == where:
                apply_entry(store, case.me, entry)
            else:
                apply_user_entry(store, entry)
    found = store.conversation(where)
    assert found is not None
    entries = store.entries(where, 1, found.tip, 10_000, kinds=("message",))
    group = found.info.get("group") or {}
    return {
        "tip": found.tip,
        "read_seq": found.read_seq,
        "unread": found.unread,
        "mentions": found.mentions if found.unread else 0,
        "marked_unread": found.marked_unread,
        "active": found.active,
        "role": found.role,
        "member_count": found.member_count,
        "group": {name: group[name] for name in ("name", "notice", "dissolved") if group.get(name)},
        "messages": [_shown(message, case.me) for message in messages_of(store, entries)],
    }


def _shown(message: Message, me: str) -> dict[str, Any]:
    body, poll = message.body, message.poll
    shown = {
        "seq": message.seq,
        "content": message.content,
        "version": body.get("version", 1),
        "edited_at_ms": message.edited_at_ms,
        "recalled_by": body.get("recalled_by", ""),
        "burned": body.get("burned", False),
        "pinned": message.pinned,
        "reactions": {
            emoji: {"count": len(users), "mine": me in users}
            for emoji, users in message.reactions.items()
        },
    }
    if poll is not None:
        shown["poll"] = {
            "tallies": list(poll.tallies),
            "voters": poll.voters,
            "mine": list(poll.mine),
            "closed": poll.closed,
        }
    return shown


def cases_of(data: Any) -> list[Case]:
    """Return the cases of a file's ``cases``."""
    return convert(data, list[Case])
