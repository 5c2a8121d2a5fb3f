"""Middleware of every answer: security headers, and a problem instead of a stack trace."""

import logging
from collections.abc import Callable, Mapping
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import problem

log = logging.getLogger(__name__)

Noted = Callable[[str, float], None]


class SecurityHeaders:
    """Sets headers on every answer, and answers for defects of ours.

    Args:
        app: What answers.
        headers: Set where the answer has no such header of its own; names in lower case.
        noted: Called with the class of each answer's status, and after how many seconds it began.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str], noted: Noted) -> None:
        self._noted = noted
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        began = perf_counter()

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._noted(f"{message['status'] // 100}xx", perf_counter() - began)
                headers = message["headers"]
                there = {name for name, _ in headers}
                message["headers"] = [
                    *headers,
                    *(header for header in self._headers if header[0] not in there),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:
            method = {"method": scope["method"]}
            log.exception("a request failed: %s", scope["path"], extra=method)
            if started:
                raise
            await problem(error)(scope, receive, send_on)
