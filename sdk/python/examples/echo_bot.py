"""A bot that says everything back: ``python echo_bot.py URL HANDLE PASSWORD``."""

import asyncio
import sys

from hongyan_sdk import Client


async def main(url: str, handle: str, password: str) -> None:
    """Answer every message with its own content."""
    client = Client.login(url, handle, password, platform="bot")
    messages = client.messages()  # open before it connects: what comes meanwhile is not missed
    async with client:
        async for message in messages:
            await client.send(message.conversation_id, message.content or "?")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
