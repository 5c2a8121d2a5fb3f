"""The relation service's lists. They read; nothing here changes anything."""

from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .commands import (
    FriendRequestInfo,
    GetRelation,
    ListBlocked,
    ListFriends,
    ListRequests,
    People,
    Requests,
)
from .model import FriendRequest, Person, Relation
from .rules import person


class RelationLists:
    """Answers the commands that read relations.

    Args:
        records: Relations and requests.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    @handles(GetRelation)
    async def get(self, actor: Actor, command: GetRelation) -> Person:
        """Answer ``GetRelation``."""
        relation = await self._records.get(Relation, actor.user_id, command.user_id)
        return Person(command.user_id) if relation is None else person(relation)

    @handles(ListFriends)
    async def friends(self, actor: Actor, command: ListFriends) -> People:
        """Answer ``ListFriends``."""
        return await self._people(actor, "by_friend", command.after, command.limit)

    @handles(ListBlocked)
    async def blocked(self, actor: Actor, command: ListBlocked) -> People:
        """Answer ``ListBlocked``."""
        return await self._people(actor, "by_blocked", command.after, command.limit)

    @handles(ListRequests)
    async def requests(self, actor: Actor, command: ListRequests) -> Requests:
        """Answer ``ListRequests``."""
        check_page(command.limit)
        incoming = command.direction == "incoming"
        found = await self._records.scan(
            FriendRequest,
            actor.user_id,
            command.state,
            by="by_recipient" if incoming else "by_sender",
            after=read_page_token(command.after, int, str),
            limit=command.limit + 1,
            order="newest",
        )
        page = found[: command.limit]
        last = page[-1] if len(found) > command.limit else None
        return Requests(
            tuple(_request(one) for one in page),
            ""
            if last is None
            else write_page_token(last.asked_at_ms, last.from_id if incoming else last.to_id),
        )

    async def _people(self, actor: Actor, by: str, after: str, limit: int) -> People:
        check_page(limit)
        place = read_page_token(after, str)
        found = await self._records.scan(
            Relation, actor.user_id, True, by=by, after=place, limit=limit + 1
        )
        page = found[:limit]
        following = write_page_token(page[-1].other_id) if len(found) > limit else ""
        return People(tuple(person(one) for one in page), following)


def _request(one: FriendRequest) -> FriendRequestInfo:
    return FriendRequestInfo(
        one.from_id, one.to_id, one.message, one.state, one.asked_at_ms, one.answered_at_ms
    )
