"""The modes of the terminal client that print lines, for scripts and pipes."""

from hongyan_sdk.chats import Chat
from hongyan_sdk.client import Client
from hongyan_sdk.errors import HongyanError
from hongyan_sdk.events import Stream
from hongyan_sdk.models import Message

from .view import one_line, plain, title


async def send(client: Client, who: str, text: str) -> None:
    """Send a text and return when the server has it."""
    await (await find(client, who)).send_text(text)


def list_conversations(client: Client) -> None:
    """Print each conversation: unread, what it is called, its id."""
    for conversation in client.conversations():
        name = one_line(title(conversation), 40)
        print(f"{conversation.unread}\t{name}\t{conversation.conversation_id}")


async def read(client: Client, who: str) -> None:
    """Print the unread messages of one conversation, or of all, and mark them read."""
    chats = (
        [await find(client, who)]
        if who
        else [
            client.chat(found.conversation_id) for found in client.conversations() if found.unread
        ]
    )
    for chat in chats:
        unread = chat.state.unread
        if not who:
            print(f"== {title(chat.state)}")
        messages = await chat.history(limit=min(200, max(20 if who else 1, unread)))
        await print_messages(client, messages)
        await chat.mark_read()


async def follow(client: Client, messages: Stream[Message]) -> None:
    """Print messages as they come, until the device is logged out or one hits Ctrl-C."""
    async for message in messages:
        name = title(client.chat(message.conversation_id).state)
        print(f"[{name}] ", end="")
        await print_messages(client, [message])


async def print_messages(client: Client, messages: list[Message]) -> None:
    """Print messages with the names of their senders."""
    profiles = await client.contacts.profiles(sorted({message.sender for message in messages}))
    for message in messages:
        profile = profiles.get(message.sender, {})
        name = profile.get("name") or profile.get("handle") or message.sender
        print(plain(message, name), flush=True)


async def find(client: Client, who: str) -> Chat:
    """Return the conversation of this id or name, or the one with the person of this handle.

    Raises:
        HongyanError: there is nobody.
    """
    for conversation in client.conversations():
        if who in {conversation.conversation_id, conversation.name}:
            return client.chat(conversation.conversation_id)
    profile = await client.contacts.by_handle(who)
    if profile is None:
        raise HongyanError(f"nobody here is called {who}")
    return await client.open_direct(profile["user_id"])
