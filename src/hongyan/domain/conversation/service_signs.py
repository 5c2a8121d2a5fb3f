"""Signs of life that nobody keeps: who is writing."""

from hongyan.domain.group.model import Roll
from hongyan.domain.log.model import Signal, encode_body
from hongyan.domain.relation.model import Relation
from hongyan.kernel.bus import DONE, Actor, Done, Publisher, handles
from hongyan.kernel.ids import Kind, LogId, kind_of

from .api import SendTyping
from .model import TYPING
from .rules import is_blocked, is_small
from .service_views import Views


class Signs:
    """Answers ``conversation.typing``.

    Args:
        views: Reads conversations.
        publisher: Takes the signals.
    """

    def __init__(self, views: Views, publisher: Publisher) -> None:
        self._views = views
        self._publisher = publisher

    @handles(SendTyping)
    async def typing(self, actor: Actor, command: SendTyping) -> Done:
        """Answer ``SendTyping``."""
        me, place = actor.user_id, command.conversation_id
        member = (await self._views.access(me, place)).member
        kind = kind_of(place)
        if kind == Kind.DIRECT:
            keys = [(me, member.peer_id), (member.peer_id, me)]
            relations = await self._views.records.get_many(Relation, keys)
            told = not is_blocked(*[relations.get(key) for key in keys])
        else:
            told = kind == Kind.GROUP and is_small(await self._views.records.get(Roll, place))
        if told:
            body = encode_body({"state": command.state})
            self._publisher.publish(Signal(LogId(place), TYPING, me, body, actor.connection_id))
        return DONE
