"""The slash commands: ``/edit``, ``/recall`` and so on."""

from hongyan_sdk.chats import Chat
from hongyan_sdk.client import Client
from hongyan_sdk.errors import HongyanError
from hongyan_sdk.models import Message

HELP = """Enter  send          Ctrl+J  new line
Ctrl+N new chat      Ctrl+G  new group
Alt+↑ ↓  conversations    PgUp PgDn  history
Tab  to the list     Ctrl+Q  quit

/reply TEXT     answer the last message
/edit TEXT      change your last message
/recall         take it back
/react 👍        react to the last message
/retry /discard a message that was not sent
/invite HANDLE  /kick HANDLE  /members  /leave
/block  /unblock"""


class Commands:
    """Carries out the commands in one conversation.

    Args:
        client: Who commands.
        chat: Where.
        messages: What is shown there.
    """

    def __init__(self, client: Client, chat: Chat, messages: list[Message]) -> None:
        self._client = client
        self._chat = chat
        self._messages = messages

    async def run(self, text: str) -> str:
        """Do what was typed and return a sentence to show, if any.

        Raises:
            HongyanError: why it was not done.
        """
        name, _, rest = text[1:].partition(" ")
        command = getattr(self, f"_do_{name.lower()}", None)
        if command is None:
            raise HongyanError(f"There is no /{name}; F1 lists the commands.")
        told: str = await command(rest.strip())
        return told

    async def _do_help(self, _: str) -> str:
        return HELP

    async def _do_reply(self, text: str) -> str:
        others = [m for m in self._messages if m.sender != self._client.user_id and m.seq]
        if not text or not others:
            raise HongyanError("Say what: /reply TEXT")
        self._chat.send_text(text, quote_seq=others[-1].seq)
        return ""

    async def _do_edit(self, text: str) -> str:
        if not text:
            raise HongyanError("Say what it is to be: /edit TEXT")
        await self._chat.edit(self._own().seq, text)
        return ""

    async def _do_recall(self, _: str) -> str:
        await self._chat.recall(self._own().seq)
        return ""

    async def _do_react(self, emoji: str) -> str:
        there = [m for m in self._messages if m.seq and not m.recalled]
        if not emoji or not there:
            raise HongyanError("Say with what: /react 👍")
        has_it = self._client.user_id in there[-1].reactions.get(emoji, [])
        await self._chat.react(there[-1].seq, emoji, add=not has_it)
        return ""

    async def _do_retry(self, _: str) -> str:
        for message in self._failed():
            self._client.retry(message.client_id)
        return ""

    async def _do_discard(self, _: str) -> str:
        for message in self._failed():
            self._client.discard(message.client_id)
        return ""

    async def _do_invite(self, handles: str) -> str:
        user_ids = [await self._user_id(handle) for handle in handles.split()]
        answer = await self._chat.invite(*user_ids)
        left_out = [f"{one['user_id']}: {one['reason']}" for one in answer.get("not_added", [])]
        return "\n".join(left_out) or "Invited."

    async def _do_kick(self, handles: str) -> str:
        await self._chat.kick(*[await self._user_id(handle) for handle in handles.split()])
        return "Removed."

    async def _do_members(self, _: str) -> str:
        members = await self._chat.members()
        profiles = await self._client.contacts.profiles([m["user_id"] for m in members])
        lines = []
        for member in members[:50]:
            profile = profiles.get(member["user_id"], {})
            name = member.get("nickname") or profile.get("name") or member["user_id"]
            lines.append(f"{name}  @{profile.get('handle', '')}  {member['role']}")
        return "\n".join(lines)

    async def _do_leave(self, _: str) -> str:
        await self._chat.leave()
        return "You left."

    async def _do_block(self, _: str) -> str:
        await self._client.contacts.block(self._peer())
        return "Blocked: this person cannot write to you any more."

    async def _do_unblock(self, _: str) -> str:
        await self._client.contacts.unblock(self._peer())
        return "No longer blocked."

    def _own(self) -> Message:
        me = self._client.user_id
        mine = [m for m in self._messages if m.sender == me and m.seq and not m.recalled]
        if not mine:
            raise HongyanError("You have said nothing here.")
        return mine[-1]

    def _failed(self) -> list[Message]:
        failed = [message for message in self._chat.pending() if message.state == "failed"]
        if not failed:
            raise HongyanError("Every message was sent.")
        return failed

    def _peer(self) -> str:
        peer_id = self._chat.state.peer_id
        if not peer_id:
            raise HongyanError("This works in a direct chat.")
        return peer_id

    async def _user_id(self, handle: str) -> str:
        profile = await self._client.contacts.by_handle(handle)
        if profile is None:
            raise HongyanError(f"Nobody is called {handle}.")
        return str(profile["user_id"])
