"""The port of the group service besides logs and rows: avatars."""

from typing import Protocol

from hongyan.domain.log.model import Commit
from hongyan.kernel.ids import LogId, UserId


class Avatars(Protocol):
    """Keeps the pictures that are avatars; the media service knows whose they are."""

    async def change_avatar(self, user_id: UserId, holder: LogId, old: str, new: str) -> Commit:
        """Return what a commit that changes an avatar must hold beside.

        Args:
            user_id: Who changes it.
            holder: The log of what has the avatar: here the group's.
            old: The media id until now; empty for none.
            new: The media id from now on; empty for none.

        Raises:
            NoSuchMedia: ``new`` is no picture of this user's.
        """
        ...
