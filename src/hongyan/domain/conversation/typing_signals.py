"""Signs of life that nobody keeps: who is writing."""

from hongyan.domain.group.model import MemberCount
from hongyan.domain.log.model import Signal, encode_body
from hongyan.domain.relation.model import Relation
from hongyan.kernel.bus import DONE, Actor, Done, EventPublisher, handles
from hongyan.kernel.ids import Kind, LogId, kind_of

from .commands import SendTyping
from .model import TYPING
from .queries import ConversationQueries
from .rules import is_blocked, is_small


class TypingSignals:
    """Answers ``conversation.typing``.

    Args:
        queries: Reads conversations.
        publisher: Takes the signals.
    """

    def __init__(self, queries: ConversationQueries, publisher: EventPublisher) -> None:
        self._queries = queries
        self._publisher = publisher

    @handles(SendTyping)
    async def typing(self, actor: Actor, command: SendTyping) -> Done:
        """Answer ``SendTyping``."""
        me, conversation_id = actor.user_id, command.conversation_id
        member = (await self._queries.access(me, conversation_id)).member
        kind = kind_of(conversation_id)
        if kind == Kind.DIRECT:
            keys = [(me, member.peer_id), (member.peer_id, me)]
            relations = await self._queries.records.get_many(Relation, keys)
            is_published = not is_blocked(*[relations.get(key) for key in keys])
        else:
            is_published = kind == Kind.GROUP and is_small(
                await self._queries.records.get(MemberCount, conversation_id)
            )
        if is_published:
            body = encode_body({"state": command.state})
            self._publisher.publish(
                Signal(LogId(conversation_id), TYPING, me, body, actor.connection_id)
            )
        return DONE
