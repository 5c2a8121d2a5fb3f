"""The rules of who sees what: pure functions."""

from msgspec import structs

from hongyan.domain.group.model import Member
from hongyan.domain.log.model import LogState

from .model import END, NOTHING, Preference, Trim, Window


def window(
    member: Member | None,
    preference: Preference | None = None,
    trim: Trim | None = None,
    head: LogState | None = None,
) -> Window:
    """Return the stretch that a member sees.

    Args:
        member: The member's place; None for who never was one.
        preference: How the member keeps the conversation; without it, what the member cleared
            counts as seen: it is out of the way, not forbidden.
        trim: What is gone for everybody.
        head: Where the log ends, if the window is to end there too.
    """
    if member is None or not (member.active or member.visible_until):
        return NOTHING
    cleared = 0 if preference is None else preference.cleared_seq
    emptied = 0 if trim is None else trim.up_to_seq
    last = member.visible_until or END
    return Window(
        max(1, member.visible_from, cleared + 1, emptied + 1),
        last if head is None else min(last, head.seq),
        member.visible_until > 0,
    )


def trimmed(preference: Preference, trim: Trim | None) -> Preference:
    """Return the preference of one for whom also that is gone which is gone for everybody."""
    if trim is None or trim.up_to_seq <= preference.cleared_seq:
        return preference
    return structs.replace(
        preference, cleared_seq=trim.up_to_seq, cleared_ordinal=trim.up_to_ordinal
    )


def begins_after(member: Member, preference: Preference) -> int:
    """Return the seq before the first that a newcomer sees; 0 where clearing decides."""
    before = member.visible_from - 1
    return before if before > preference.cleared_seq else 0
