"""The ports of the message service to other services."""

from collections.abc import Sequence
from typing import Protocol

from hongyan.domain.log.model import Change
from hongyan.domain.media.model import ReferencedMedia
from hongyan.kernel.bus import Actor
from hongyan.kernel.ids import LogId, UserId

from .commands import SendMessage
from .model import Content
from .send_contexts import SendContext


class Gate(Protocol):
    """Looks at a message before it is stored: moderation, hooks of the business."""

    async def judge(self, actor: Actor, command: SendMessage, edits_seq: int = 0) -> Content:
        """Return the content to store, as it is or altered.

        Args:
            actor: Who sends it.
            command: The message, with what the gates before made of it; an edit comes as if
                it were sent.
            edits_seq: Which message it is to stand in place of; 0 for a new one.

        Raises:
            Refusal: the message may not be sent.
        """
        ...


class Attachments(Protocol):
    """Lends files to what shows them; the media service knows who may read which."""

    async def add_references(
        self, user_id: UserId, media_ids: Sequence[str], seen: Sequence[tuple[LogId, int]] = ()
    ) -> ReferencedMedia:
        """Return the files, and what the commit that puts their uses must expect.

        Args:
            user_id: Who shows them.
            media_ids: Which.
            seen: Places where the user saw them, which spares looking for one.

        Raises:
            NoSuchMedia: one is not there, or not for this user.
            LimitReached: there are too many.
        """
        ...

    async def remove_references(self, log_id: LogId, seq: int) -> tuple[Change, ...]:
        """Return what takes away the uses that one place has."""
        ...

    async def remove_references_up_to(
        self, log_id: LogId, last: int, limit: int
    ) -> tuple[Change, ...]:
        """Return what takes away the first ``limit`` uses of a log at or before ``last``."""
        ...


class Mentions(Protocol):
    """The changes that a message's mentions make beside its entry."""

    async def changes_for(self, context: SendContext, content: Content) -> tuple[Change, ...]:
        """Return the changes that go into the commit whose first append is the message.

        Raises:
            MayNotSpeak: the sender's role may not mention everybody.
        """
        ...
