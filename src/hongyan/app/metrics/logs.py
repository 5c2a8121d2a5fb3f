"""Logs on standard error."""

import logging
import sys
from typing import Literal

import msgspec

from hongyan.kernel.tracing import TRACE

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
BOUND = ("connection", "user", "device", "request", "conversation", "method", "trace")
"""Ids that a record may carry (``log.info(..., extra={"user": ...})``)."""


class TextFormatter(logging.Formatter):
    """A line for people; bound ids come at its end."""

    def __init__(self) -> None:
        super().__init__(LINE)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the record's line without what it raised."""
        ids = " ".join(f"{name}={value}" for name, value in bound(record).items())
        line = super().formatMessage(record)
        return f"{line} [{ids}]" if ids else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        fields: dict[str, object] = {
            "time_ms": int(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= bound(record)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(fields).decode()


def bound(record: logging.LogRecord) -> dict[str, object]:
    """Return the ids that a record carries; what is being followed names its trace."""
    found = {name: value for name in BOUND if (value := getattr(record, name, ""))}
    if TRACE.get():
        found["trace"] = TRACE.get().split("-")[1]
    return found


def configure_logging(level: str, form: Literal["text", "json"]) -> None:
    """Send what is at least this severe to standard error, in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, logging.root.level))
