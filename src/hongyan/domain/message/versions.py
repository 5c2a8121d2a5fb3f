"""Earlier versions of messages, for those who have left since."""

from collections.abc import Mapping, Sequence

from msgspec import Raw, structs

from hongyan.domain.log.model import Entry, encode_body
from hongyan.domain.log.ports import Records
from hongyan.domain.visibility.ports import Position
from hongyan.domain.visibility.visibility import Visibility

from .model import MESSAGE, SHOWN, MessageBody, decode_body
from .rows import Revision


class MessageVersions:
    """The port ``Versions`` of visibility, from the revisions that edits keep.

    Args:
        records: The revisions.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def as_of(self, wanted: Sequence[tuple[Entry, int]]) -> Mapping[Position, Entry]:
        """See ``Versions.as_of``."""
        edited = [
            (entry, body, last)
            for entry, last in wanted
            if entry.kind == MESSAGE
            and (body := decode_body(entry)).version > 1
            and body.content is not None
        ]
        newest = [_key(entry, body.version - 1) for entry, body, _ in edited]
        ends = await self._records.get_many(Revision, newest) if newest else {}
        later = [
            (entry, body, last)
            for (entry, body, last), key in zip(edited, newest, strict=True)
            if key not in ends or _ended_after(ends[key], last)
        ]
        keys = [_key(entry, v) for entry, body, _ in later for v in range(1, body.version)]
        kept = await self._records.get_many(Revision, keys) if keys else {}
        return {
            (entry.log_id, entry.seq): _with_body(entry, _body_then(entry, body, last, kept))
            for entry, body, last in later
        }


def visibility_of(records: Records) -> Visibility:
    """Return the visibility of these records, messages with their versions."""
    return Visibility(records, SHOWN, MessageVersions(records))


def _key(entry: Entry, version: int) -> tuple[str, int, int]:
    return entry.log_id, entry.seq, version


def _ended_after(revision: Revision, last: int) -> bool:
    """Return whether this version was still there at ``last``, or nobody knows."""
    return revision.ended_seq == 0 or revision.ended_seq > last


def _body_then(
    entry: Entry, body: MessageBody, last: int, kept: Mapping[tuple[str, int, int], Revision]
) -> MessageBody:
    """Return the body that the message had when ``last`` was its log's newest seq."""
    for version in range(1, body.version):
        revision = kept.get(_key(entry, version))
        if revision is not None and _ended_after(revision, last):
            return structs.replace(
                body,
                content=revision.content,
                version=version,
                edited_at_ms=revision.since_ms if version > 1 else 0,
            )
    return structs.replace(body, content=None)  # it was recalled at this moment


def _with_body(entry: Entry, body: MessageBody) -> Entry:
    return structs.replace(entry, body=Raw(encode_body(body)))
