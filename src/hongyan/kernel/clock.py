"""The clock as an argument, so that tests can hold it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Reads the time of day."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000
