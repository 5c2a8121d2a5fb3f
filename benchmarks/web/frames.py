"""What the browser's own trace tells of frames: how long the main thread worked in each."""

import asyncio
import json
from typing import Any

from playwright.async_api import CDPSession

CATEGORIES = "devtools.timeline,toplevel,blink.user_timing,disabled-by-default-devtools.timeline"
TASK = "ThreadControllerImpl::RunTask"
FRAME_US = 16_667


class Trace:
    """Records the renderer's main thread between ``start`` and ``stop``."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._events: list[dict[str, Any]] = []
        self._done = asyncio.Event()
        session.on("Tracing.dataCollected", self._take)
        session.on("Tracing.tracingComplete", lambda _: self._done.set())

    def _take(self, told: dict[str, Any]) -> None:
        self._events.extend(told["value"])

    async def start(self) -> None:
        """Begin."""
        options = {"categories": CATEGORIES, "transferMode": "ReportEvents"}
        await self._session.send("Tracing.start", options)

    async def stop(self) -> list[float]:
        """End, and return for each frame that had work the milliseconds of it."""
        await self._session.send("Tracing.end")
        await asyncio.wait_for(self._done.wait(), 60)
        return busy_ms(self._events)


def busy_ms(events: list[dict[str, Any]]) -> list[float]:
    """Return the main thread's work in each stretch of a sixtieth of a second, where there was any.

    The main thread is the one that runs the frames of the page under test: the busiest of all.
    A task that is longer than a stretch counts as a whole in the one where it began.
    """
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in events:
        if event.get("name") == TASK and event.get("ph") == "X":
            place = (event["pid"], event["tid"])
            if place in mains:
                tasks.setdefault(place, []).append((event["ts"], event.get("dur", 0)))
    if not tasks:
        raise RuntimeError(f"no tasks among {len(events)} events: {json.dumps(events[:3])}")
    busiest = max(tasks.values(), key=lambda one: sum(duration for _, duration in one))
    stretches: dict[int, int] = {}
    for begin, duration in busiest:
        stretches[begin // FRAME_US] = stretches.get(begin // FRAME_US, 0) + duration
    return [busy / 1000 for busy in stretches.values()]
