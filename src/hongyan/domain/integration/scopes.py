"""Scopes of keys and widgets. Access checks them, in whatever process."""

from typing import Final

from hongyan.kernel.bus import Access, Actor, Command
from hongyan.kernel.ids import is_widget

from .commands import NobodyNamed, NotForKeys, NotForWidgets, ScopeMissing
from .model import Scope

_METHODS: Final[dict[Scope, str]] = {
    "users:read": """
        user.me user.get user.search user.list relation.get relation.friends relation.blocked
        relation.requests presence.get presence.watch presence.unwatch app.user_get
    """,
    "users:write": """
        user.update user.deactivate user.reactivate user.kick relation.request relation.answer
        relation.remark relation.mute relation.block relation.unblock relation.delete
        app.user_upsert
    """,
    "tokens:mint": "app.mint_token app.mint_login_token",
    "conversations:read": """
        conversation.get conversation.list conversation.folders group.get group.mine group.members
        group.bans group.join_requests group.link_list group.link_preview group.preview
        app.conversation_get
    """,
    "conversations:write": """
        conversation.open_direct conversation.open_self conversation.preference
        conversation.draft conversation.clear conversation.hide_messages
        group.create group.update group.dissolve group.transfer group.invite group.add_members
        group.kick group.leave group.set_role group.set_nickname group.mute_member group.ban
        group.unban group.join group.answer_request group.link_create group.link_revoke
        group.link_join app.conversation_create app.members_add app.members_remove
    """,
    "messages:read": """
        conversation.history conversation.sync conversation.user_log conversation.archive
        conversation.read
        conversation.delivered conversation.readers conversation.cursors message.get
        message.revisions message.favourites message.favourite message.unfavourite
        message.marks message.pins message.reactors message.schedules poll.votes
        media.get media.ticket media.usage
    """,
    "messages:send": """
        conversation.typing message.send message.edit message.recall message.forward
        message.schedule message.reschedule message.unschedule message.react message.pin
        message.unpin poll.vote poll.close app.notify media.claim
    """,
    "webhooks:write": """
        webhook.create webhook.list webhook.update webhook.delete webhook.rotate_secret
        webhook.replay webhook.attempts webhook.dead_letters webhook.redeliver
    """,
    "bots": "app.bot_create",
}
SCOPES: Final[dict[str, Scope]] = {
    method: scope for scope, methods in _METHODS.items() for method in methods.split()
}
"""The scope that a key needs for a method; a method that is not here is not for keys."""
_WIDGET = """
    user.me user.get user.log_out widget.open relation.friends relation.blocked relation.requests
    conversation.sync conversation.user_log conversation.list conversation.get
    conversation.history conversation.read conversation.delivered conversation.cursors
    conversation.readers conversation.typing conversation.draft conversation.preference
    conversation.folders conversation.hide_messages group.get group.members
    message.send message.get message.edit message.recall message.revisions message.react
    message.reactors message.marks message.pins poll.vote poll.votes
    media.get media.ticket media.claim media.direct_begin
    media.direct_resume media.direct_finish presence.get presence.watch presence.unwatch
"""
WIDGET_METHODS: Final = frozenset(_WIDGET.split())
"""Methods for a widget's device: what a conversation needs, nothing of the account."""


def check_scope(actor: Actor, command: type[Command[object]]) -> None:
    """Refuse what the actor's key or widget may not do; whoever has neither passes.

    Raises:
        NotForWidgets: no widget may.
        NotForKeys: no key may.
        ScopeMissing: this key may not.
        NobodyNamed: it is something that a user does, and the key acts for none.
    """
    if command.ACCESS == Access.ANYONE:
        return
    if is_widget(actor.device_id) and command.METHOD not in WIDGET_METHODS:
        raise NotForWidgets
    if not actor.key_id:
        return
    needs = SCOPES.get(command.METHOD)
    if needs is None:
        raise NotForKeys
    if needs not in actor.scopes:
        raise ScopeMissing(needs=needs)
    if command.ACCESS == Access.USER and actor.admin:
        raise NobodyNamed
