"""The group service, part three: joining, requests to join, invite links."""

from msgspec import structs

from hongyan.domain.log.model import Drop
from hongyan.domain.user.model import User
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import LimitReached, NotFound
from hongyan.kernel.ids import UserId, new_token_id
from hongyan.kernel.limits import check_length, check_range
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from . import rules
from .commands import NotAMember
from .commands_joining import (
    AlreadyAnswered,
    AnswerJoinRequest,
    Banned,
    CreateLink,
    GroupCard,
    JoinByLink,
    JoinClosed,
    Joined,
    JoinGroup,
    JoinRequests,
    LinkInvalid,
    Links,
    ListJoinRequests,
    ListLinks,
    PreviewGroup,
    PreviewLink,
    RevokeLink,
)
from .model import (
    JOIN_ANSWERED,
    JOIN_REQUESTED,
    MEMBERS_MAX,
    Ban,
    InviteLink,
    JoinAnswered,
    JoinRequest,
    JoinRequested,
    Member,
    Role,
)
from .repository import GroupChange, GroupRepository


class JoiningService:
    """Answers the commands about ways into a group.

    Args:
        repository: Reads and changes groups; shared by the group services.
    """

    def __init__(self, repository: GroupRepository) -> None:
        self._repository = repository
        self._records = repository.records

    @handles(PreviewGroup)
    async def preview(self, actor: Actor, command: PreviewGroup) -> GroupCard:
        """Answer ``PreviewGroup``."""
        try:
            change = await self._repository.load(actor, command.conversation_id)
        except NotAMember as error:
            raise NotFound from error
        card = _card(change)
        if not card.joined and (change.group.dissolved or not _takes_anybody(change)):
            raise NotFound
        return card

    @handles(JoinGroup)
    async def join(self, actor: Actor, command: JoinGroup) -> Joined:
        """Answer ``JoinGroup``."""
        check_length("answer", command.answer, rules.ANSWER_MAX)
        joined = True

        async def plan(change: GroupChange) -> None:
            nonlocal joined
            joined = True
            if change.mine is not None and change.mine.active:
                return
            await self._check_not_banned(change, actor.user_id)
            if change.group.join_policy == "free":
                change.check_not_full()
                change.add_member([(actor.user_id, change.mine)], "joined")
            elif change.group.join_policy == "approval":
                joined = False
                await self._ask(change, command.answer)
            else:
                raise JoinClosed

        await self._repository.change(actor, command.conversation_id, plan)
        return Joined(command.conversation_id, "joined" if joined else "requested")

    @handles(ListJoinRequests)
    async def requests(self, actor: Actor, command: ListJoinRequests) -> JoinRequests:
        """Answer ``ListJoinRequests``."""
        check_page(command.limit)
        place = read_page_token(command.after, int, str)
        rules.check_role(
            (await self._repository.load(actor, command.conversation_id)).me, Role.ADMIN
        )
        found = await self._records.scan(
            JoinRequest,
            command.conversation_id,
            command.state,
            by="by_state",
            after=place,
            limit=command.limit + 1,
            order="newest",
        )
        page = found[: command.limit]
        following = ""
        if len(found) > command.limit:
            following = write_page_token(page[-1].asked_at_ms, page[-1].user_id)
        return JoinRequests(tuple(page), following)

    @handles(AnswerJoinRequest)
    async def answer(self, actor: Actor, command: AnswerJoinRequest) -> Done:
        """Answer ``AnswerJoinRequest``."""
        group_id, user_id = command.conversation_id, command.user_id
        state = "accepted" if command.accept else "refused"

        async def plan(change: GroupChange) -> None:
            rules.check_role(change.me, Role.ADMIN)
            found = await self._records.get(JoinRequest, group_id, user_id)
            request = rules.check_found(found)
            if request.state != "open":
                if request.state != state:
                    raise AlreadyAnswered(state=request.state)
                return
            if command.accept:
                await self._let_in(change, user_id)
            change.put(
                structs.replace(
                    request, state=state, answered_at_ms=change.now_ms, answered_by=actor.user_id
                )
            )
            body = JoinAnswered(group_id, user_id, command.accept)
            change.append_for_each((user_id, *await self._admins(change)), JOIN_ANSWERED, body)

        await self._repository.change(actor, group_id, plan)
        return DONE

    # --- links ---

    @handles(CreateLink)
    async def create_link(self, actor: Actor, command: CreateLink) -> InviteLink:
        """Answer ``CreateLink``."""
        check_range("expires_in_s", command.expires_in_s, 0, rules.LINK_S_MAX)
        check_range("uses_max", command.uses_max, 0, MEMBERS_MAX)
        now_ms = self._repository.clock.now_ms()
        link = InviteLink(
            token=new_token_id(),
            conversation_id=command.conversation_id,
            created_by=actor.user_id,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + command.expires_in_s * 1000 if command.expires_in_s else 0,
            uses_max=command.uses_max,
        )

        async def plan(change: GroupChange) -> None:
            rules.check_may_invite(change.group, change.me)
            group_id = command.conversation_id
            count = await self._records.count(InviteLink, group_id, by="of_conversation")
            if count >= rules.LINKS_MAX:
                raise LimitReached("Revoke an invite link first.", limit=rules.LINKS_MAX)
            change.put(link)

        await self._repository.change(actor, command.conversation_id, plan)
        return link

    @handles(ListLinks)
    async def links(self, actor: Actor, command: ListLinks) -> Links:
        """Answer ``ListLinks``."""
        me = (await self._repository.load(actor, command.conversation_id)).me
        found = await self._records.scan(
            InviteLink, command.conversation_id, by="of_conversation", limit=rules.LINKS_MAX
        )
        return Links(
            tuple(link for link in found if me.role != Role.MEMBER or link.created_by == me.user_id)
        )

    @handles(RevokeLink)
    async def revoke_link(self, actor: Actor, command: RevokeLink) -> Done:
        """Answer ``RevokeLink``."""

        async def plan(change: GroupChange) -> None:
            link = await self._records.get(InviteLink, command.token)
            is_mine = link is not None and link.created_by == change.me.user_id
            if not is_mine:
                rules.check_role(change.me, Role.ADMIN)
            if link is not None and link.conversation_id == command.conversation_id:
                change.changes.append(Drop(InviteLink, (command.token,)))

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    @handles(PreviewLink)
    async def preview_link(self, actor: Actor, command: PreviewLink) -> GroupCard:
        """Answer ``PreviewLink``."""
        link = await self._link(command.token)
        change = await self._repository.load(actor, link.conversation_id)
        await self._check_works(change, link)
        return _card(change)

    @handles(JoinByLink)
    async def join_by_link(self, actor: Actor, command: JoinByLink) -> Joined:
        """Answer ``JoinByLink``."""
        conversation_id = (await self._link(command.token)).conversation_id

        async def plan(change: GroupChange) -> None:
            link = await self._link(command.token)
            if change.mine is not None and change.mine.active:
                return
            await self._check_works(change, link)
            await self._check_not_banned(change, actor.user_id)
            change.check_not_full()
            change.add_member([(actor.user_id, change.mine)], "link", link.created_by)
            change.put(structs.replace(link, uses=link.uses + 1))

        await self._repository.change(actor, conversation_id, plan, even_dissolved=True)
        return Joined(conversation_id, "joined")

    # --- what the commands share ---

    async def _link(self, token: str) -> InviteLink:
        link = await self._records.get(InviteLink, token)
        if link is None:
            raise LinkInvalid
        return link

    async def _check_works(self, change: GroupChange, link: InviteLink) -> None:
        maker = await self._records.get(Member, link.conversation_id, link.created_by)
        if not rules.link_works(link, maker, change.group, change.now_ms):
            raise LinkInvalid

    async def _check_not_banned(self, change: GroupChange, user_id: UserId) -> None:
        if await self._records.get(Ban, change.group.conversation_id, user_id) is not None:
            raise Banned

    async def _ask(self, change: GroupChange, answer: str) -> None:
        group_id, user_id = change.group.conversation_id, change.actor.user_id
        request = await self._records.get(JoinRequest, group_id, user_id)
        if request is not None and request.state == "open":
            return
        count = await self._records.count(JoinRequest, group_id, "open", by="by_state")
        if count >= rules.OPEN_REQUESTS_MAX:
            raise LimitReached("Too many wait already.", limit=rules.OPEN_REQUESTS_MAX)
        change.put(
            JoinRequest(
                conversation_id=group_id, user_id=user_id, answer=answer, asked_at_ms=change.now_ms
            )
        )
        body = JoinRequested(group_id, user_id, answer)
        change.append_for_each(await self._admins(change), JOIN_REQUESTED, body)

    async def _let_in(self, change: GroupChange, user_id: UserId) -> None:
        """Make the one who has asked a member, unless they have become one meanwhile."""
        group_id = change.group.conversation_id
        before = await self._records.get(Member, group_id, user_id)
        if before is not None and before.active:
            return
        user = await self._records.get(User, user_id)
        if user is None or user.state != "active":
            raise NotFound("This account is gone; refuse the request.")
        await self._check_not_banned(change, user_id)
        change.check_not_full()
        change.add_member([(user_id, before)], "approved", change.me.user_id)

    async def _admins(self, change: GroupChange) -> list[UserId]:
        """Return who answers requests: the owner and the admins."""
        group_id = change.group.conversation_id
        admins = await self._records.scan(
            Member, group_id, Role.ADMIN.rank, by="by_rank", limit=rules.ADMINS_MAX
        )
        return [change.group.owner_id, *(admin.user_id for admin in admins)]


def _takes_anybody(change: GroupChange) -> bool:
    return change.group.join_policy in ("free", "approval")


def _card(change: GroupChange) -> GroupCard:
    group = change.group
    return GroupCard(
        group.conversation_id,
        group.kind,
        group.name,
        group.avatar,
        change.count,
        group.join_policy,
        group.join_question,
        change.mine is not None and change.mine.active,
    )
