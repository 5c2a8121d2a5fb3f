"""An index of connected users and their conversations.

It answers both ports of belonging for the hub of a node without a database: ``members`` are
those members who are here. A conversation with one user here, the usual case, costs no set.
"""

import sys
from collections.abc import Collection, Iterable

from hongyan.kernel.ids import ConversationId, UserId


class Interests:
    """An index in both directions; everything returns at once."""

    def __init__(self) -> None:
        self._conversations: dict[UserId, list[ConversationId]] = {}
        self._users: dict[ConversationId, UserId | set[UserId]] = {}

    def __contains__(self, user_id: UserId) -> bool:
        """Return whether the user is here."""
        return user_id in self._conversations

    def users(self) -> list[UserId]:
        """Return who is here."""
        return list(self._conversations)

    def open(self, user_id: UserId) -> None:
        """The user is here."""
        self._conversations.setdefault(user_id, [])

    def close(self, user_id: UserId) -> list[ConversationId]:
        """The user is here no more; return the conversations that nobody here is in now."""
        emptied = [
            conversation_id
            for conversation_id in self._conversations.get(user_id, ())
            if self._drop(user_id, conversation_id)
        ]
        self._conversations.pop(user_id, None)
        return emptied

    def enter(self, user_id: UserId, conversation_ids: Iterable[ConversationId]) -> None:
        """The user, who is here, belongs to these."""
        mine = self._conversations[user_id]
        for each in conversation_ids:
            conversation_id = ConversationId(sys.intern(each))  # many users share the text
            users = self._users.get(conversation_id)
            if users is None:
                self._users[conversation_id] = user_id
            elif isinstance(users, set):
                if user_id in users:
                    continue
                users.add(user_id)
            elif users == user_id:
                continue
            else:
                self._users[conversation_id] = {users, user_id}
            mine.append(conversation_id)

    def leave(self, user_id: UserId, conversation_id: ConversationId) -> bool:
        """The user belongs to this one no more; return whether nobody here does now."""
        mine = self._conversations.get(user_id, ())
        if conversation_id not in mine:
            return False
        self._conversations[user_id].remove(conversation_id)
        return self._drop(user_id, conversation_id)

    def is_followed(self, conversation_id: ConversationId) -> bool:
        """Return whether anybody here belongs to it."""
        return conversation_id in self._users

    def of(self, user_id: UserId) -> Collection[ConversationId]:
        """Return the user's conversations as known here."""
        return self._conversations.get(user_id, ())

    async def members(self, conversation_id: ConversationId) -> Collection[UserId]:
        """See ``ConversationMembers.members``: those who are here."""
        users = self._users.get(conversation_id)
        if users is None:
            return ()
        return tuple(users) if isinstance(users, set) else (users,)

    async def conversations(self, user_id: UserId) -> Collection[ConversationId]:
        """See ``UserConversations.conversations``."""
        return tuple(self.of(user_id))

    def _drop(self, user_id: UserId, conversation_id: ConversationId) -> bool:
        users = self._users[conversation_id]
        if not isinstance(users, set):
            del self._users[conversation_id]
            return True
        users.discard(user_id)
        if len(users) == 1:
            self._users[conversation_id] = users.pop()
        return False
