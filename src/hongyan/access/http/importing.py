"""Users imported as a stream of JSON lines, answered by a line of report for each.

Resumable: a line is an upsert, so whoever was cut off sends the rest, or everything again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from hongyan.access.admission import Guest
from hongyan.domain.integration.commands_app import Upserted, UpsertUser
from hongyan.kernel.errors import Internal, Invalid, LimitReached, Refusal

from .commands import Commands, content_type_of
from .errors import NotJsonLines, problem
from .limits import set_rate_headers
from .rest import query_of

log = logging.getLogger(__name__)

LINES_MAX: Final = 100_000
LINE_BYTES_MAX: Final = 16 * 1024
AT_ONCE: Final = 64
NDJSON: Final = "application/x-ndjson"
_Line = Annotated[int, Meta(ge=1, le=2**53)]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(UpsertUser).decode


class ImportReport(Struct, frozen=True, omit_defaults=True):
    """The result of a line; ``outcome`` is created, changed, unchanged or failed."""

    line: int
    outcome: str
    external_id: str = ""
    user_id: str = ""
    code: str = ""
    message: str = ""


class Summary(Struct, frozen=True):
    """The last line, when the whole stream was read."""

    done: bool
    lines: int
    created: int
    changed: int
    unchanged: int
    failed: int


class Importing:
    """Answers ``POST /api/v1/app/users``.

    Args:
        commands: Admits requests; an import counts as one.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        guest = self._commands.guest(request)
        try:
            await self._commands.admit(guest, request, UpsertUser)
            if content_type_of(request) != NDJSON:
                raise NotJsonLines
            first = _first_line(request)
        except Refusal as refusal:
            response = problem(refusal)
            set_rate_headers(guest, response.headers)
            await response(scope, receive, send)
            return
        headers = [(b"content-type", NDJSON.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._stream(request, guest, first, send)

    async def _stream(self, request: Request, guest: Guest, first: int, send: Send) -> None:
        """Read and report at the same time.

        Reports wait in a queue that holds those of the longest import: a client that reads
        nothing before it has sent everything is not waited for.
        """
        reports: asyncio.Queue[bytes | None] = asyncio.Queue(LINES_MAX + 10)
        sender = asyncio.create_task(_send_all(reports, send))
        counts = dict.fromkeys(("created", "changed", "unchanged", "failed"), 0)
        try:
            async for report in self._reports(request, guest, first):
                counts[report.outcome] += 1
                reports.put_nowait(_encode(report) + b"\n")
            summary = Summary(True, sum(counts.values()), **counts)
            reports.put_nowait(_encode(summary) + b"\n")
        except ClientDisconnect:
            sender.cancel()
            return
        except Refusal as refusal:  # the stream stops here; the lines before it are done
            line = first + sum(counts.values())
            stopped = ImportReport(line, "failed", code=refusal.code, message=refusal.text)
            reports.put_nowait(_encode(stopped) + b"\n")
        finally:
            reports.put_nowait(None)
        await sender

    async def _reports(
        self, request: Request, guest: Guest, first: int
    ) -> AsyncIterator[ImportReport]:
        running: deque[asyncio.Task[ImportReport]] = deque()
        number = first
        try:
            async for line in _lines(self._commands.chunks(request)):
                if number - first >= LINES_MAX:
                    raise LimitReached("Send the rest in another request.", limit=LINES_MAX)
                running.append(asyncio.create_task(self._import(guest, number, line)))
                number += 1
                if len(running) >= AT_ONCE:
                    yield await running.popleft()
            while running:
                yield await running.popleft()
        except Refusal:
            while running:
                yield await running.popleft()
            raise

    async def _import(self, guest: Guest, number: int, line: bytes) -> ImportReport:
        try:
            command = _decode(line)
            made: Upserted = await guest.call(command)
        except (Refusal, msgspec.DecodeError, RecursionError) as error:
            refusal = error if isinstance(error, Refusal) else Invalid(str(error))
            external_id = _external_id_in(line)
            return ImportReport(
                number, "failed", external_id, code=refusal.code, message=refusal.text
            )
        except Exception:
            log.exception("an import failed at line %d", number)
            return ImportReport(number, "failed", code=Internal.code, message=Internal.message)
        return ImportReport(number, made.outcome, made.external_id, made.user_id)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines that are not blank, holding no more than one.

    Raises:
        LimitReached: a line is too long.
    """
    kept = b""
    async for chunk in chunks:
        *whole, kept = (kept + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                _check_line(line)
                yield line
        _check_line(kept)
    if kept.strip():
        yield kept


def _check_line(line: bytes) -> None:
    if len(line) > LINE_BYTES_MAX:
        raise LimitReached("A line is too long.", limit=LINE_BYTES_MAX)


async def _send_all(reports: asyncio.Queue[bytes | None], send: Send) -> None:
    """Send what is there together, until None."""
    is_open = True
    while is_open:
        found = [await reports.get()]
        while not reports.empty():
            found.append(reports.get_nowait())
        is_open = found[-1] is not None
        body = b"".join(one for one in found if one is not None)
        await send({"type": "http.response.body", "body": body, "more_body": is_open})


def _first_line(request: Request) -> int:
    """Return the number of the stream's first line, for reports of a resumed import."""
    query = dict(query_of(request))
    text = query.pop("first_line", "1")
    if query:
        raise Invalid(f"There is no query parameter {next(iter(query))[:64]!r} here.")
    try:
        return msgspec.convert(text, _Line, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("first_line is a whole number from 1.", field="first_line") from error


def _external_id_in(line: bytes) -> str:
    try:
        found: Any = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return ""
    external_id = found.get("external_id") if isinstance(found, dict) else None
    return external_id[:128] if isinstance(external_id, str) else ""
