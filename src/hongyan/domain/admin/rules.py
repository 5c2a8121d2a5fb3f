"""Rules of the audit log (redaction, the chain of hashes) and of counting days."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hongyan.domain.group.model import CONVERSATION_CREATED
from hongyan.domain.log.model import DAY_MS, Entry
from hongyan.domain.user.model import USER_CHANGED, Account
from hongyan.kernel.bus import Access, Actor, Command
from hongyan.kernel.ids import SYSTEM, UserId, kind_of

from .model import AuditRecord

MASK = "********"
PARAMS_MAX = 4_000
VALUE_MAX = 500
ITEMS_MAX = 20
DEPTH_MAX = 6
_SECRET = re.compile(r"password|passphrase|secret|token|code|credential|private|\bkey\b|_key\b")


def is_act(actor: Actor, command: type[Command[Any]]) -> bool:
    """Return whether the audit log notes it when this actor calls this command.

    What the server does of itself it does as an actor without any mark.
    """
    if command.READS_ONLY or command.AUDITED:
        return command.AUDITED
    if command.ACCESS == Access.INTERNAL:
        return actor.admin or bool(actor.key_id)
    return command.ACCESS == Access.ADMIN


def redacted(params: Any) -> str:
    """Return parameters as JSON without secrets, and not too long."""
    plain = _plain(msgspec.to_builtins(params, str_keys=True), DEPTH_MAX)
    text = msgspec.json.encode(plain).decode()
    if len(text) <= PARAMS_MAX:
        return text
    names = sorted(plain)[:ITEMS_MAX] if isinstance(plain, dict) else []
    return msgspec.json.encode({"cut": len(text), "fields": names}).decode()


def _is_secret(name: str) -> bool:
    """Return whether what has this name is to be hidden; what only names a secret is not."""
    return bool(_SECRET.search(name)) and not name.endswith("_id")


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, dict) and depth:
        return {
            str(name)[:VALUE_MAX]: MASK
            if one and _is_secret(str(name).lower())
            else _plain(one, depth - 1)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple) and depth:
        kept = [_plain(one, depth - 1) for one in value[:ITEMS_MAX]]
        more = len(value) - ITEMS_MAX
        return [*kept, f"and {more} more"] if more > 0 else kept
    if isinstance(value, str):
        return value if len(value) <= VALUE_MAX else value[:VALUE_MAX] + "..."
    return value if isinstance(value, int | float | None) else "..."


def seal(record: AuditRecord, before: str) -> str:
    """Return the hash of a record that follows the one with the hash ``before``.

    SHA-256 of the JSON array of that hash and the record's fields but its own hash, in their
    order.
    """
    fields = [getattr(record, name) for name in AuditRecord.__struct_fields__ if name != "hash"]
    return hashlib.sha256(msgspec.json.encode([before, *fields])).hexdigest()


# --- statistics ---


def day_of(at_ms: int) -> int:
    """Return the day (UTC) as days since 1970-01-01."""
    return at_ms // DAY_MS


def date_of(day: int) -> str:
    """Return the day as ISO 8601 writes it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()


def is_person(sender: UserId) -> bool:
    """Return whether what this sender makes shows a user to be active."""
    return bool(sender) and sender != SYSTEM


def totalled(entry: Entry) -> list[str]:
    """Return the names of the totals, but for messages, that this entry raises by one."""
    names = []
    if entry.kind == CONVERSATION_CREATED and (kind := kind_of(entry.log_id)) is not None:
        names.append(f"conversations.{kind}")
    if entry.kind == USER_CHANGED:
        account = msgspec.json.decode(entry.body, type=Account)
        names += ["users.deleted"] if account.state == "deleted" else []
    return names
