"""The table of commands and their HTTP routes.

A path's parameters and, for GET and DELETE, the query fill the command's fields; for the others
the rest is the JSON body. A test fails when a command has no line here.
"""

from typing import Final

PREFIX: Final = "/api/v1"

_TABLE = """
user.register                POST   /auth/register
user.log_in                  POST   /auth/login
user.refresh                 POST   /auth/refresh
user.log_in_with_token       POST   /auth/login-token
user.log_out                 POST   /auth/logout
user.request_password_reset  POST   /auth/password-reset
user.reset_password          POST   /auth/password-reset/confirm

user.me                      GET    /me
user.update                  PATCH  /me
user.change_password         PUT    /me/password
user.change_email            PUT    /me/email
user.change_phone            PUT    /me/phone
user.deactivate_me           POST   /me/deactivate
user.delete_me               POST   /me/delete
user.list_devices            GET    /me/devices
user.rename_device           PATCH  /me/devices/{device_id}
user.kick_device             DELETE /me/devices/{device_id}
user.kick_other_devices      DELETE /me/devices
app_password.list            GET    /me/app-passwords
app_password.create          POST   /me/app-passwords
app_password.revoke          DELETE /me/app-passwords/{app_password_id}
user.get                     GET    /users
user.search                  GET    /users/search

relation.get                 GET    /relations/{user_id}
relation.remark              PUT    /relations/{user_id}/remark
relation.mute                PUT    /relations/{user_id}/mute
relation.friends             GET    /friends
relation.delete              DELETE /friends/{user_id}
relation.request             POST   /friends/requests
relation.requests            GET    /friends/requests
relation.answer              PUT    /friends/requests/{user_id}
relation.blocked             GET    /blocked
relation.block               PUT    /blocked/{user_id}
relation.unblock             DELETE /blocked/{user_id}

group.create                 POST   /groups
group.mine                   GET    /groups
group.get                    GET    /groups/{conversation_id}
group.update                 PATCH  /groups/{conversation_id}
group.dissolve               DELETE /groups/{conversation_id}
group.transfer               POST   /groups/{conversation_id}/transfer
group.preview                GET    /groups/{conversation_id}/preview
group.join                   POST   /groups/{conversation_id}/join
group.leave                  POST   /groups/{conversation_id}/leave
group.invite                 POST   /groups/{conversation_id}/invite
group.members                GET    /groups/{conversation_id}/members
group.add_members            POST   /groups/{conversation_id}/members
group.kick                   POST   /groups/{conversation_id}/members/remove
group.set_role               PUT    /groups/{conversation_id}/members/{user_id}/role
group.mute_member            PUT    /groups/{conversation_id}/members/{user_id}/mute
group.set_nickname           PUT    /groups/{conversation_id}/nickname
group.bans                   GET    /groups/{conversation_id}/bans
group.ban                    PUT    /groups/{conversation_id}/bans/{user_id}
group.unban                  DELETE /groups/{conversation_id}/bans/{user_id}
group.join_requests          GET    /groups/{conversation_id}/join-requests
group.answer_request         PUT    /groups/{conversation_id}/join-requests/{user_id}
group.link_list              GET    /groups/{conversation_id}/links
group.link_create            POST   /groups/{conversation_id}/links
group.link_revoke            DELETE /groups/{conversation_id}/links/{token}
group.link_preview           GET    /links/{token}
group.link_join              POST   /links/{token}/join

conversation.list            GET    /conversations
conversation.open_direct     POST   /conversations/direct
conversation.open_self       POST   /conversations/self
conversation.get             GET    /conversations/{conversation_id}
conversation.history         GET    /conversations/{conversation_id}/history
conversation.read            PUT    /conversations/{conversation_id}/read
conversation.delivered       PUT    /conversations/{conversation_id}/delivered
conversation.cursors         GET    /conversations/{conversation_id}/cursors
conversation.preference      PATCH  /conversations/{conversation_id}/preference
conversation.draft           PUT    /conversations/{conversation_id}/draft
conversation.clear           POST   /conversations/{conversation_id}/clear
conversation.hide_messages   POST   /conversations/{conversation_id}/hide-messages
conversation.typing          POST   /conversations/{conversation_id}/typing
conversation.readers         GET    /conversations/{conversation_id}/messages/{seq}/readers
conversation.folders         GET    /folders
conversation.user_log        GET    /me/log
conversation.sync            POST   /sync
conversation.archive         GET    /archive

message.send                 POST   /conversations/{conversation_id}/messages
message.get                  GET    /conversations/{conversation_id}/messages/{seq}
message.edit                 PUT    /conversations/{conversation_id}/messages/{seq}
message.recall               DELETE /conversations/{conversation_id}/messages/{seq}
message.revisions            GET    /conversations/{conversation_id}/messages/{seq}/revisions
message.react PUT    /conversations/{conversation_id}/messages/{seq}/reactions/{emoji}
message.reactors GET    /conversations/{conversation_id}/messages/{seq}/reactions/{emoji}
message.forward              POST   /conversations/{conversation_id}/forward
message.marks                GET    /conversations/{conversation_id}/marks
message.pins                 GET    /conversations/{conversation_id}/pins
message.pin                  PUT    /conversations/{conversation_id}/pins/{seq}
message.unpin                DELETE /conversations/{conversation_id}/pins/{seq}
message.favourites           GET    /me/favourites
message.favourite            PUT    /me/favourites/{conversation_id}/{seq}
message.unfavourite          DELETE /me/favourites/{conversation_id}/{seq}
message.schedule             POST   /conversations/{conversation_id}/scheduled-messages
message.schedules            GET    /me/scheduled-messages
message.reschedule           PATCH  /me/scheduled-messages/{client_id}
message.unschedule           DELETE /me/scheduled-messages/{client_id}
poll.vote                    PUT    /conversations/{conversation_id}/polls/{seq}/vote
poll.close                   POST   /conversations/{conversation_id}/polls/{seq}/close
poll.votes                   GET    /conversations/{conversation_id}/polls/{seq}/votes

media.get                    GET    /media/{media_id}/info
media.ticket                 POST   /media/{media_id}/tickets
media.claim                  POST   /me/media
media.usage                  GET    /me/media
media.direct_begin           POST   /me/media/direct
media.direct_resume          POST   /me/media/direct/{upload_id}
media.direct_finish          POST   /me/media/direct/{upload_id}/finish

presence.get                 GET    /presence
presence.watch               POST   /presence/watch
presence.unwatch             POST   /presence/unwatch

user.list                    GET    /admin/users
user.deactivate              POST   /admin/users/{user_id}/deactivate
user.reactivate              POST   /admin/users/{user_id}/reactivate
user.kick                    POST   /admin/users/{user_id}/kick
user.reset_code_create       POST   /admin/users/{user_id}/reset-code
user.invite_list             GET    /admin/invites
user.invite_create           POST   /admin/invites
user.invite_revoke           DELETE /admin/invites/{code}
admin.audit                  GET    /admin/audit
admin.statistics             GET    /admin/statistics
admin.readers                GET    /admin/readers
admin.retry_passed           POST   /admin/readers/retry
admin.rebuild_reader         POST   /admin/readers/rebuild
admin.trace                  GET    /admin/conversations/{conversation_id}/trace
key.list                     GET    /admin/keys
key.create                   POST   /admin/keys
key.revoke                   DELETE /admin/keys/{key_id}

app.user_upsert              PUT    /app/users/{external_id}
app.user_get                 GET    /app/users/{external_id}
app.mint_token               POST   /app/users/{external_id}/tokens
app.mint_login_token         POST   /app/users/{external_id}/login-tokens
app.notify                   POST   /app/users/{external_id}/notices
app.bot_create               POST   /app/bots
app.conversation_create      POST   /app/conversations
app.conversation_get         GET    /app/conversations/{external_id}
app.members_add              POST   /app/conversations/{external_id}/members
app.members_remove           POST   /app/conversations/{external_id}/members/remove

widget.open                  POST   /widget/open

webhook.list                 GET    /webhooks
webhook.create               POST   /webhooks
webhook.update               PATCH  /webhooks/{webhook_id}
webhook.delete               DELETE /webhooks/{webhook_id}
webhook.rotate_secret        POST   /webhooks/{webhook_id}/rotate-secret
webhook.replay               POST   /webhooks/{webhook_id}/replay
webhook.attempts             GET    /webhooks/{webhook_id}/attempts
webhook.dead_letters         GET    /webhooks/{webhook_id}/dead-letters
webhook.redeliver            POST   /webhooks/{webhook_id}/dead-letters/{first}/redeliver
"""

ROUTES: Final[dict[str, tuple[str, str]]] = {
    method: (verb, path)
    for method, verb, path in (line.split() for line in _TABLE.splitlines() if line.strip())
}
"""Method -> (HTTP verb, path below ``PREFIX``)."""

NEVER_STORED: Final = frozenset(
    {
        "user.register",
        "user.log_in",
        "user.log_in_with_token",
        "user.refresh",
        "user.request_password_reset",
        "user.reset_password",
        "user.log_out",
        "user.reset_code_create",
        "user.invite_create",
        "app.mint_token",
        "app.mint_login_token",
        "widget.open",
        "app.bot_create",
        "key.create",
        "webhook.create",
        "webhook.rotate_secret",
        "conversation.sync",
        "media.ticket",
        "media.direct_begin",
        "media.direct_resume",
        "presence.watch",
        "presence.unwatch",
    }
)
"""POSTs whose answers are not kept for a repetition: they hold secrets, or change nothing."""
