"""The group service, part three: joining, requests to join, invite links."""

from msgspec import structs

from hongyan.domain.log.model import Drop
from hongyan.domain.user.model import User
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import LimitReached, NotFound
from hongyan.kernel.ids import UserId, new_token_id
from hongyan.kernel.limits import check_length, check_range
from hongyan.kernel.pages import check_page, read_place, write_place

from . import rules
from .api import NotAMember
from .joining_api import (
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
from .service_desk import Desk, Scene


class JoiningService:
    """Answers the commands about ways into a group.

    Args:
        desk: Reads and changes groups; shared by the group services.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._records = desk.records

    @handles(PreviewGroup)
    async def preview(self, actor: Actor, command: PreviewGroup) -> GroupCard:
        """Answer ``PreviewGroup``."""
        try:
            scene = await self._desk.look(actor, command.conversation_id)
        except NotAMember as error:
            raise NotFound from error
        card = _card(scene)
        if not card.joined and (scene.group.dissolved or not _takes_anybody(scene)):
            raise NotFound
        return card

    @handles(JoinGroup)
    async def join(self, actor: Actor, command: JoinGroup) -> Joined:
        """Answer ``JoinGroup``."""
        check_length("answer", command.answer, rules.ANSWER_MAX)
        joined = True

        async def plan(scene: Scene) -> None:
            nonlocal joined
            joined = True
            if scene.mine is not None and scene.mine.active:
                return
            await self._check_not_banned(scene, actor.user_id)
            if scene.group.join_policy == "free":
                scene.check_not_full()
                scene.seat([(actor.user_id, scene.mine)], "joined")
            elif scene.group.join_policy == "approval":
                joined = False
                await self._ask(scene, command.answer)
            else:
                raise JoinClosed

        await self._desk.change(actor, command.conversation_id, plan)
        return Joined(command.conversation_id, "joined" if joined else "requested")

    @handles(ListJoinRequests)
    async def requests(self, actor: Actor, command: ListJoinRequests) -> JoinRequests:
        """Answer ``ListJoinRequests``."""
        check_page(command.limit)
        place = read_place(command.after, int, str)
        rules.check_role((await self._desk.look(actor, command.conversation_id)).me, Role.ADMIN)
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
            following = write_place(page[-1].asked_at_ms, page[-1].user_id)
        return JoinRequests(tuple(page), following)

    @handles(AnswerJoinRequest)
    async def answer(self, actor: Actor, command: AnswerJoinRequest) -> Done:
        """Answer ``AnswerJoinRequest``."""
        group_id, user_id = command.conversation_id, command.user_id
        state = "accepted" if command.accept else "refused"

        async def plan(scene: Scene) -> None:
            rules.check_role(scene.me, Role.ADMIN)
            found = await self._records.get(JoinRequest, group_id, user_id)
            request = rules.check_found(found)
            if request.state != "open":
                if request.state != state:
                    raise AlreadyAnswered(state=request.state)
                return
            if command.accept:
                await self._let_in(scene, user_id)
            scene.put(
                structs.replace(
                    request, state=state, answered_at_ms=scene.now_ms, answered_by=actor.user_id
                )
            )
            body = JoinAnswered(group_id, user_id, command.accept)
            scene.tell_each((user_id, *await self._admins(scene)), JOIN_ANSWERED, body)

        await self._desk.change(actor, group_id, plan)
        return DONE

    # --- links ---

    @handles(CreateLink)
    async def create_link(self, actor: Actor, command: CreateLink) -> InviteLink:
        """Answer ``CreateLink``."""
        check_range("expires_in_s", command.expires_in_s, 0, rules.LINK_S_MAX)
        check_range("uses_max", command.uses_max, 0, MEMBERS_MAX)
        now_ms = self._desk.clock.now_ms()
        link = InviteLink(
            token=new_token_id(),
            conversation_id=command.conversation_id,
            created_by=actor.user_id,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + command.expires_in_s * 1000 if command.expires_in_s else 0,
            uses_max=command.uses_max,
        )

        async def plan(scene: Scene) -> None:
            rules.check_may_invite(scene.group, scene.me)
            group_id = command.conversation_id
            count = await self._records.count(InviteLink, group_id, by="of_conversation")
            if count >= rules.LINKS_MAX:
                raise LimitReached("Revoke an invite link first.", limit=rules.LINKS_MAX)
            scene.put(link)

        await self._desk.change(actor, command.conversation_id, plan)
        return link

    @handles(ListLinks)
    async def links(self, actor: Actor, command: ListLinks) -> Links:
        """Answer ``ListLinks``."""
        me = (await self._desk.look(actor, command.conversation_id)).me
        found = await self._records.scan(
            InviteLink, command.conversation_id, by="of_conversation", limit=rules.LINKS_MAX
        )
        return Links(
            tuple(link for link in found if me.role != Role.MEMBER or link.created_by == me.user_id)
        )

    @handles(RevokeLink)
    async def revoke_link(self, actor: Actor, command: RevokeLink) -> Done:
        """Answer ``RevokeLink``."""

        async def plan(scene: Scene) -> None:
            link = await self._records.get(InviteLink, command.token)
            is_mine = link is not None and link.created_by == scene.me.user_id
            if not is_mine:
                rules.check_role(scene.me, Role.ADMIN)
            if link is not None and link.conversation_id == command.conversation_id:
                scene.changes.append(Drop(InviteLink, (command.token,)))

        await self._desk.change(actor, command.conversation_id, plan)
        return DONE

    @handles(PreviewLink)
    async def preview_link(self, actor: Actor, command: PreviewLink) -> GroupCard:
        """Answer ``PreviewLink``."""
        link = await self._link(command.token)
        scene = await self._desk.look(actor, link.conversation_id)
        await self._check_works(scene, link)
        return _card(scene)

    @handles(JoinByLink)
    async def join_by_link(self, actor: Actor, command: JoinByLink) -> Joined:
        """Answer ``JoinByLink``."""
        conversation_id = (await self._link(command.token)).conversation_id

        async def plan(scene: Scene) -> None:
            link = await self._link(command.token)
            if scene.mine is not None and scene.mine.active:
                return
            await self._check_works(scene, link)
            await self._check_not_banned(scene, actor.user_id)
            scene.check_not_full()
            scene.seat([(actor.user_id, scene.mine)], "link", link.created_by)
            scene.put(structs.replace(link, uses=link.uses + 1))

        await self._desk.change(actor, conversation_id, plan, even_dissolved=True)
        return Joined(conversation_id, "joined")

    # --- what the commands share ---

    async def _link(self, token: str) -> InviteLink:
        link = await self._records.get(InviteLink, token)
        if link is None:
            raise LinkInvalid
        return link

    async def _check_works(self, scene: Scene, link: InviteLink) -> None:
        maker = await self._records.get(Member, link.conversation_id, link.created_by)
        if not rules.link_works(link, maker, scene.group, scene.now_ms):
            raise LinkInvalid

    async def _check_not_banned(self, scene: Scene, user_id: UserId) -> None:
        if await self._records.get(Ban, scene.group.conversation_id, user_id) is not None:
            raise Banned

    async def _ask(self, scene: Scene, answer: str) -> None:
        group_id, user_id = scene.group.conversation_id, scene.actor.user_id
        request = await self._records.get(JoinRequest, group_id, user_id)
        if request is not None and request.state == "open":
            return
        count = await self._records.count(JoinRequest, group_id, "open", by="by_state")
        if count >= rules.OPEN_REQUESTS_MAX:
            raise LimitReached("Too many wait already.", limit=rules.OPEN_REQUESTS_MAX)
        scene.put(
            JoinRequest(
                conversation_id=group_id, user_id=user_id, answer=answer, asked_at_ms=scene.now_ms
            )
        )
        body = JoinRequested(group_id, user_id, answer)
        scene.tell_each(await self._admins(scene), JOIN_REQUESTED, body)

    async def _let_in(self, scene: Scene, user_id: UserId) -> None:
        """Make the one who has asked a member, unless they have become one meanwhile."""
        group_id = scene.group.conversation_id
        before = await self._records.get(Member, group_id, user_id)
        if before is not None and before.active:
            return
        user = await self._records.get(User, user_id)
        if user is None or user.state != "active":
            raise NotFound("This account is gone; refuse the request.")
        await self._check_not_banned(scene, user_id)
        scene.check_not_full()
        scene.seat([(user_id, before)], "approved", scene.me.user_id)

    async def _admins(self, scene: Scene) -> list[UserId]:
        """Return who answers requests: the owner and the admins."""
        group_id = scene.group.conversation_id
        admins = await self._records.scan(
            Member, group_id, Role.ADMIN.rank, by="by_rank", limit=rules.ADMINS_MAX
        )
        return [scene.group.owner_id, *(admin.user_id for admin in admins)]


def _takes_anybody(scene: Scene) -> bool:
    return scene.group.join_policy in ("free", "approval")


def _card(scene: Scene) -> GroupCard:
    group = scene.group
    return GroupCard(
        group.conversation_id,
        group.kind,
        group.name,
        group.avatar,
        scene.count,
        group.join_policy,
        group.join_question,
        scene.mine is not None and scene.mine.active,
    )
