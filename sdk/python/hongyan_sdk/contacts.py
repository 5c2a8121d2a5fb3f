"""Other people: finding them, friends, blocks."""

from typing import Any

from .engine import Engine
from .profiles import Profile


class Contacts:
    """Calls that ask the server raise ``Refused``, ``ConnectionLost`` or ``LoggedOut``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def search(self, query: str, *, limit: int = 20) -> list[Profile]:
        """Find people who let themselves be found, by handle or name."""
        page = await self._engine.call("user.search", {"query": query, "limit": limit})
        users: list[Profile] = page["users"]
        return users

    async def by_handle(self, handle: str) -> Profile | None:
        """Return the person with exactly this handle."""
        handle = handle.removeprefix("@").lower()
        for profile in await self.search(handle, limit=50):
            if profile.get("handle") == handle:
                return profile
        return None

    async def profiles(self, user_ids: list[str]) -> dict[str, Profile]:
        """Return profiles by user id; the server is asked for what may not be so any more."""
        return await self._engine.profiles.get(user_ids)

    async def friends(self) -> list[dict[str, Any]]:
        """Return all friends."""
        people: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self._engine.call("relation.friends", {"after": after})
            people += page["people"]
            after = page.get("next", "")
            if not after:
                return people

    async def request(self, user_id: str, message: str = "") -> None:
        """Ask somebody to be friends."""
        await self._engine.call("relation.request", {"user_id": user_id, "message": message})

    async def answer(self, user_id: str, *, accept: bool) -> None:
        """Accept or refuse somebody's request."""
        await self._engine.call("relation.answer", {"user_id": user_id, "accept": accept})

    async def block(self, user_id: str) -> None:
        """Let somebody write no more, nor invite, nor see one's presence."""
        await self._engine.call("relation.block", {"user_id": user_id})

    async def unblock(self, user_id: str) -> None:
        """Lift a block."""
        await self._engine.call("relation.unblock", {"user_id": user_id})
