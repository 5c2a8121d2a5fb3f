"""Commands of administrators and the operator about the server as a whole."""

from typing import Any

from msgspec import Struct, field

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.ids import UserId


class Act(Struct, frozen=True):
    """One administrative act, as the audit log shows it."""

    number: int
    at_ms: int
    actor_id: UserId
    """The user who did it; ``system`` is the operator, who has the data folder."""
    device_id: str
    key_id: str
    address: str
    """The address that the request came from; ``control`` is the server's own machine."""
    method: str
    params: Any
    """The parameters of the request; secrets are masked, long values cut."""
    outcome: str
    """``done``, or the code of the refusal."""


class Acts(Struct, frozen=True):
    """Some acts; ``next_after`` is the ``after`` of the next page, empty at the end."""

    acts: tuple[Act, ...]
    next_after: str = ""


class ListAudit(Command[Acts], frozen=True, kw_only=True):
    """List administrative acts, the newest first.

    A page can hold fewer acts than ``limit``, even none, while ``next_after`` is not empty.

    Raises:
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "admin.audit"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    actor_id: UserId | None = None
    """Only what this user did."""
    method: str | None = None
    """Only this method."""
    from_ms: int = 0
    to_ms: int | None = None
    """Only what was done before this time."""
    after: str = ""
    limit: int = 100


class NoteAct(Command[Done], frozen=True, kw_only=True):
    """Note what the operator does to the data without a command, such as an export.

    Raises:
        Invalid: ``act`` is not 1 to 64 characters.
    """

    METHOD = "admin.note"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    act: str
    """Its name, written like a method: ``export.user``."""
    params: dict[str, Any] = field(default_factory=dict)
    outcome: str = "done"


class Day(Struct, frozen=True):
    """One day (UTC) in numbers."""

    date: str
    """ISO 8601, such as 2026-07-31."""
    messages: int
    active_users: int


class Statistics(Struct, frozen=True, kw_only=True):
    """Usage statistics. Days are those of UTC.

    A user is active on a day on which any log shows something that he or she did: a message,
    a reading, a log-in. Counts follow the logs some seconds behind.
    """

    users: int
    """Accounts that were not deleted, bots too."""
    active_today: int
    active_7_days: int
    active_30_days: int
    """Users active in the last 30 days, today among them."""
    messages: int
    """All messages ever sent."""
    days: tuple[Day, ...]
    """The last 30 days, oldest first."""
    conversations: dict[str, int]
    """Conversations ever opened, by kind."""
    storage_bytes: dict[str, int]
    """Bytes on the disk, by kind; ``free`` is what is left there."""
    connected_devices: int


class GetStatistics(Command[Statistics], frozen=True, kw_only=True):
    """Return how much the server is used."""

    METHOD = "admin.statistics"
    ACCESS = Access.ADMIN
    READS_ONLY = True
