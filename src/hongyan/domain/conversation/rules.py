"""Rules of what is unread, and of what may be asked for: pure functions."""

from collections.abc import Iterable, Sequence

from hongyan.domain.group.model import Group, MemberCount
from hongyan.domain.log.model import Cursor, Entry, LogState
from hongyan.domain.relation.model import Relation
from hongyan.domain.visibility.model import Preference, Window
from hongyan.kernel.errors import Invalid, LimitReached

from .commands import SetPreference

RECEIPTS_MEMBERS_MAX = 500
"""Groups of more members get no read receipts and no typing signals."""
KNOWN_MAX = 20_000
ANSWER_BYTES = 2 * 1024 * 1024
"""The bodies of the entries in one answer stay below this, but for a single larger one."""
HIDE_MAX = 100
DRAFT_MAX = 10_000
FOLDER_MAX = 64


def unread_floor(window: Window, cursor: Cursor) -> int:
    """Return the seq after which messages are unread."""
    return max(cursor.read_seq, window.first - 1)


def unread_after(head: LogState, cursor: Cursor, preference: Preference, first_ordinal: int) -> int:
    """Return how many messages are unread; ``first_ordinal`` is where a newcomer begins."""
    read = max(cursor.read_ordinal, preference.cleared_ordinal, first_ordinal)
    return max(0, head.ordinal - read)


def mentions_after(floor: int, head: LogState, group: Group | None, mentions: Sequence[int]) -> int:
    """Return how many messages after ``floor`` mention the user or everybody."""
    everybody = group.mention_all_seqs if group is not None else ()
    return len({seq for seq in (*mentions, *everybody) if floor < seq <= head.seq})


def is_small(member_count: MemberCount | None) -> bool:
    """Return whether read receipts and typing are sent to everybody here."""
    return member_count is None or member_count.member_count <= RECEIPTS_MEMBERS_MAX


def is_blocked(one: Relation | None, other: Relation | None) -> bool:
    """Return whether either of two users has blocked the other."""
    return (one is not None and one.blocked) or (other is not None and other.blocked)


def fitting(entries: Iterable[Entry], budget_bytes: int) -> int:
    """Return how many of the first entries have bodies that fit into the budget together."""
    count = 0
    for entry in entries:
        budget_bytes -= len(entry.body)
        if budget_bytes < 0:
            break
        count += 1
    return count


def check_range(name: str, value: int, least: int, most: int) -> None:
    """Refuse a number outside its range.

    Raises:
        Invalid: it is.
    """
    if not least <= value <= most:
        raise Invalid(f"{name} is {least} to {most}.")


def check_count(name: str, count: int, most: int) -> None:
    """Refuse too many of something.

    Raises:
        LimitReached: more than ``most``.
    """
    if count > most:
        raise LimitReached(f"At most {most} {name} at once.", limit=most)


def check_preference(command: SetPreference) -> None:
    """Refuse values that a preference cannot have.

    Raises:
        Invalid: there is one.
    """
    if command.muted_until_ms is not None and command.muted_until_ms < -1:
        raise Invalid("muted_until_ms is a time, 0 or -1.")
    if command.folder is not None:
        if len(command.folder) > FOLDER_MAX:
            raise Invalid(f"A folder's name has at most {FOLDER_MAX} characters.")
        if command.folder != command.folder.strip() or not command.folder.isprintable():
            raise Invalid("A folder's name has no surrounding spaces and no control characters.")
