"""What the message service needs of others."""

from typing import Protocol

from hongyan.domain.log.model import Change
from hongyan.kernel.bus import Actor

from .api import SendMessage
from .model import Content
from .rooms import Room


class Gate(Protocol):
    """Looks at a message before it is stored: moderation, hooks of the business."""

    async def judge(self, actor: Actor, command: SendMessage) -> Content:
        """Return the content to store, as it is or altered.

        Raises:
            Refusal: the message may not be sent.
        """
        ...


class Mentions(Protocol):
    """What a message's mentions change beside its entry."""

    async def changes_for(self, room: Room, content: Content) -> tuple[Change, ...]:
        """Return the changes that go into the commit whose first append is the message.

        Raises:
            MayNotSpeak: the sender's role may not mention everybody.
        """
        ...
