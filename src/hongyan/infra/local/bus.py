"""Caller, Publisher and Subscriber in one process."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from hongyan.kernel.bus import Actor, Command, Event, Handler, Result, handlers_of
from hongyan.kernel.errors import UnknownMethod

log = logging.getLogger(__name__)

Around = Callable[[type[Command[Any]], Handler], Handler]


class LocalBus:
    """Hands commands to their handlers and events to their listeners, by function calls."""

    def __init__(self) -> None:
        self._handlers: dict[type[Command[Any]], Handler] = {}
        self._listeners: dict[type[Struct], list[Callable[[Any], None]]] = {}
        self._around: Around = lambda _, handler: handler

    def wrap(self, around: Around) -> None:
        """Put this around each handler that is served from now on."""
        self._around = around

    def serve(self, service: object) -> None:
        """Let a service's ``@handles`` methods answer their commands.

        Raises:
            ValueError: two services want the same command.
        """
        for command, handler in handlers_of(service).items():
            if command in self._handlers:
                raise ValueError(f"{command.METHOD} has two handlers")
            self._handlers[command] = self._around(command, handler)

    def served(self) -> frozenset[type[Command[Any]]]:
        """Return the commands that have a handler."""
        return frozenset(self._handlers)

    def call(self, actor: Actor, command: Command[Result]) -> Coroutine[Any, Any, Result]:
        """See ``Caller.call``; a command that nobody handles is refused at once."""
        handler = self._handlers.get(type(command))
        if handler is None:
            raise UnknownMethod(method=command.METHOD)
        return handler(actor, command)

    def publish(self, event: Struct) -> None:
        """See ``EventPublisher.publish``; a listener that fails is logged and the others go on."""
        for listener in self._listeners.get(type(event), ()):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", type(event).__name__)

    def subscribe(self, event: type[Event], listener: Callable[[Event], None]) -> None:
        """See ``EventSubscriber.subscribe``."""
        self._listeners.setdefault(event, []).append(listener)
