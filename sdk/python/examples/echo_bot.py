"""A bot that says everything back: ``python echo_bot.py URL HANDLE PASSWORD``."""

import asyncio
import sys

from hongyan_sdk import Client


async def main(url: str, handle: str, password: str) -> None:
    """Answer every message with its own content."""
    async with Client.login(url, handle, password, platform="bot") as client:
        async for message in client.messages():
            await client.send(message.conversation_id, message.content or "?")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
