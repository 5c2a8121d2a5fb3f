"""One conversation, as an app works with it."""

from typing import Any

from .engine import Engine
from .models import Content, Conversation, Message, text
from .outbox import Sending


class Chat:
    """A conversation's handle; cheap, and holds no state of its own.

    What asks the server raises ``Refused``, ``ConnectionLost`` or ``LoggedOut``.
    """

    def __init__(self, engine: Engine, conversation_id: str) -> None:
        self._engine = engine
        self.conversation_id = conversation_id

    @property
    def state(self) -> Conversation:
        """The conversation as this device knows it: name, unread count and so on."""
        local = self._engine.store.conversation(self.conversation_id)
        return local or Conversation(conversation_id=self.conversation_id)

    # --- messages ---

    def send(self, content: Content, *, quote_seq: int = 0, burn_after_ms: int = 0) -> Sending:
        """Put a message into the outbox; await the answer to have it sent.

        Messages of one conversation go in the order of the calls, also after a restart.

        Args:
            content: Such as ``{"type": "text", "text": "hello"}``; see ``text``.
            quote_seq: The message that this one answers.
            burn_after_ms: How long it lives after it was read; 0 for ever.
        """
        more = {"quote_seq": quote_seq, "burn_after_ms": burn_after_ms}
        return self._engine.send(self.conversation_id, content, **more)

    def send_text(
        self, value: str, *, mentions: dict[str, str] | None = None, quote_seq: int = 0
    ) -> Sending:
        """Put a text into the outbox; see ``send`` and ``text``."""
        return self.send(text(value, mentions), quote_seq=quote_seq)

    async def history(self, *, before_seq: int | None = None, limit: int = 50) -> list[Message]:
        """Return up to ``limit`` messages before a seq, or the newest, oldest first.

        Answered from the local store where it has them.
        """
        return await self._engine.past.history(self.conversation_id, before_seq, limit)

    def pending(self) -> list[Message]:
        """Return the messages that wait in the outbox or have failed, oldest first."""
        return self._engine.pending(self.conversation_id)

    async def edit(self, seq: int, content: Content | str) -> None:
        """Give one's own message another content."""
        content = text(content) if isinstance(content, str) else content
        await self.call("message.edit", seq=seq, content=content)

    async def recall(self, seq: int) -> None:
        """Take a message back for everybody."""
        await self.call("message.recall", seq=seq)

    async def react(self, seq: int, emoji: str, *, add: bool = True) -> None:
        """Put an emoji to a message, or take it back."""
        await self.call("message.react", seq=seq, emoji=emoji, add=add)

    async def mark_read(self, seq: int | None = None) -> None:
        """Move the read cursor to a seq, or to the end."""
        await self._engine.mark_read(self.conversation_id, seq)

    async def typing(self, state: str = "typing") -> None:
        """Signal to the others: ``typing``, ``recording``, ``uploading``, ``stopped``."""
        await self.call("conversation.typing", state=state)

    async def refresh(self) -> Conversation:
        """Ask the server how the conversation stands."""
        return await self._engine.replica.refresh(self.conversation_id)

    # --- groups ---

    async def members(self) -> list[dict[str, Any]]:
        """Return all members of a group: user id, role, nickname and so on."""
        members: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self.call("group.members", after=after, limit=500)
            members += page["members"]
            after = page.get("next_after", "")
            if not after:
                return members

    async def invite(self, *user_ids: str) -> dict[str, Any]:
        """Add people to the group; the answer names those who could not be added."""
        answer: dict[str, Any] = await self.change("group.invite", user_ids=list(user_ids))
        return answer

    async def kick(self, *user_ids: str) -> None:
        """Remove members from the group."""
        await self.change("group.kick", user_ids=list(user_ids))

    async def leave(self) -> None:
        """Leave the group."""
        await self.change("group.leave")

    async def set_role(self, user_id: str, role: str) -> None:
        """Make a member an ``admin``, or an admin a ``member``."""
        await self.change("group.set_role", user_id=user_id, role=role)

    async def mute_member(self, user_id: str, until_ms: int) -> None:
        """Forbid a member to speak until a time; -1 for no end, 0 lets them speak again."""
        await self.change("group.mute_member", user_id=user_id, until_ms=until_ms)

    async def update(self, **changes: Any) -> None:
        """Change the group's name, avatar, notice, join policy, permissions and so on."""
        await self.change("group.update", **changes)

    async def call(self, method: str, **params: Any) -> Any:
        """Ask any method that takes this conversation."""
        return await self._engine.call(method, {"conversation_id": self.conversation_id, **params})

    async def change(self, method: str, **params: Any) -> Any:
        """Do the same, and see in the store what it changed when this returns."""
        return await self._engine.act(method, {"conversation_id": self.conversation_id, **params})
