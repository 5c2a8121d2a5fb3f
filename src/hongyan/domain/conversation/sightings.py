"""Who sees which message, for services below: the media service's port Sightings."""

from collections.abc import Sequence

from hongyan.domain.group.model import Member
from hongyan.domain.log.ports import Records
from hongyan.kernel.ids import LogId, UserId, user_log


class MemberSightings:
    """Judges by the places that members have.

    Args:
        records: The members.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def sees(self, user_id: UserId, places: Sequence[tuple[LogId, int]]) -> bool:
        """Return whether the user sees any of these seqs of these logs, in one read.

        What the user cleared or hid counts as seen: it is out of the way, not forbidden.
        """
        own = user_log(user_id)
        keys = {(log_id, user_id) for log_id, _ in places}
        members = await self._records.get_many(Member, sorted(keys))
        for log_id, seq in places:
            member = members.get((log_id, user_id))
            if log_id == own or (member is not None and _could_see(member, seq)):
                return True
        return False


def _could_see(member: Member, seq: int) -> bool:
    """Return whether a member's place shows this seq; one who left sees what was until then."""
    if not member.active and not member.visible_until:
        return False
    return member.visible_from <= seq and (not member.visible_until or seq <= member.visible_until)
