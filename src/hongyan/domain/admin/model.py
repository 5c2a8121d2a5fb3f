"""Rows of the audit log and of the statistics."""

from typing import ClassVar

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import LogId, UserId

AUDIT_LOG = LogId("#audit")
"""The log, for ever without entries, whose version counts the records of the audit log."""


class AuditRecord(Row, frozen=True, kw_only=True, omit_defaults=False):
    """One administrative act. Records are only ever added.

    Each one's ``hash`` covers its fields and the hash before it, so that a record that is
    changed, removed or put in between shows; see ``rules.seal``.
    """

    TABLE: ClassVar = Table(
        "audit",
        key=("number",),
        indexes={"by_actor": ("actor_id",), "by_method": ("method",)},
    )

    number: int
    """1 for the first, then one more each time."""
    at_ms: int
    actor_id: UserId
    """The user who did it; ``system`` is the operator."""
    device_id: str = ""
    key_id: str = ""
    """The API key that spoke for the actor, if one did."""
    address: str = ""
    """The address that the request came from; ``control`` is this machine."""
    method: str
    params: str
    """JSON, at most 4,000 characters; secrets are masked."""
    outcome: str
    """``done``, or the code of the refusal."""
    hash: str = ""
    """SHA-256, in hexadecimal."""


class DayCount(Row, frozen=True, kw_only=True):
    """Counts of one day (UTC)."""

    TABLE: ClassVar = Table("day_count", key=("day",))

    day: int
    """Days since 1970-01-01."""
    messages: int = 0
    active_users: int = 0
    """Users whose first entry of that day was counted on it."""


class LastActive(Row, frozen=True, kw_only=True):
    """The last day on which a user did anything that a log shows."""

    TABLE: ClassVar = Table("last_active", key=("user_id",), indexes={"by_day": ("day",)})

    user_id: UserId
    day: int


class Total(Row, frozen=True, kw_only=True):
    """A count that goes on for ever, by name."""

    TABLE: ClassVar = Table("total", key=("name",))

    name: str
    count: int
