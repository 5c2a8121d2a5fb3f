"""Somebody who asks, from the first byte to the last."""

from collections.abc import Awaitable, Coroutine
from functools import partial
from time import perf_counter
from typing import Any, Protocol

from hongyan.access.eager import Eager
from hongyan.domain.media.commands import RedeemTicket
from hongyan.kernel.bus import Actor, Command, Result
from hongyan.kernel.errors import Unauthenticated
from hongyan.kernel.ids import DeviceId
from hongyan.kernel.meters import Durations
from hongyan.kernel.tracing import TRACE, Answered, ending_span

from .following import follow, unfollow
from .rates import Bucket, Taken, too_many
from .rights import OPERATOR, check, is_for_anyone, needs_rights
from .shared import Shared
from .standing import Standing

NO_LIMIT = Bucket(0, 0)
REFUSED_MAX = 1_000
"""Requests refused as too many, one after the other, after which the connection is cut."""


class Speaker(Protocol):
    """Speaks the protocol of one connection; ``request`` is whatever it calls a request."""

    def own(self, method: str, request: Any) -> tuple[Coroutine[Any, Any, Any], bool] | None:
        """Return what answers a method of the protocol's own, and whether that needs no task."""
        ...

    def read(self, request: Any, command: type[Command[Any]]) -> Command[Any]:
        """Return the command that the request asks for.

        Raises:
            msgspec.ValidationError: the parameters are not the command's.
        """
        ...

    def answer(self, request: Any, result: Any, error: Exception | None) -> None:
        """Answer what came of the request."""
        ...

    def window(self, is_open: bool) -> None:
        """Read no more until the window is open again: too much is not answered yet."""
        ...

    def flooded(self) -> None:
        """Cut the connection: it goes on asking too much."""
        ...


class Guest(Standing):
    """The guest behind one connection, or one request of HTTP; a stranger until identified.

    A connection that numbers its requests hands each to ``ask``; others await ``call``.

    Args:
        shared: What all guests share.
        actor: Who it is, as far as is known: mostly an address.
        speaker: Speaks the protocol of a connection; None for one that asks by ``call``.

    Attributes:
        taken: By what the last request was counted, for protocols that say it.
    """

    __slots__ = (
        "_bucket",
        "_in_flight",
        "_is_admitted",
        "_is_paused",
        "_own_bucket",
        "_refused",
        "_speaker",
        "taken",
    )

    def __init__(self, shared: Shared, actor: Actor, speaker: Speaker | None) -> None:
        super().__init__(shared, actor)
        if speaker is not None:
            self._speaker = speaker
        self._bucket = shared.rates.connection() if speaker is not None else NO_LIMIT
        self._own_bucket: Bucket | None = None
        self._in_flight = 0
        self._is_paused = False
        self._is_admitted = False
        self._refused = 0
        self.taken: Taken | None = None

    def _become(self, actor: Actor) -> Actor:
        if self._bucket is not NO_LIMIT:
            self._own_bucket = self._shared.rates.bucket_of(actor)
        return super()._become(actor)

    async def redeem(self, media_id: str, ticket: str) -> None:
        """Be who holds a ticket for a file, for this request.

        Raises:
            Refusal: the ticket is not good for the file; or this is one request too many.
        """
        user_id = await self._shared.caller.call(
            self.actor, RedeemTicket(media_id=media_id, ticket=ticket)
        )
        actor = self._become(Actor(user_id, DeviceId(""), address=self.actor.address))
        self._take(self._shared.rates.take(actor))
        self._is_admitted = True

    # --- one by one ---

    async def admit(
        self, command: type[Command[Any]], token: str = "", on_behalf_of: str = ""
    ) -> None:
        """Admit one piece of work; what ``call`` and ``part`` then carry counts as one request.

        Args:
            command: What it is for.
            token: An access token or an API key; not looked at where strangers may ask.
            on_behalf_of: See ``identify``.

        Raises:
            Refusal: as ``identify``; or the command is not for this one, or one too many.
        """
        try:
            if token and not is_for_anyone(command):
                await self.identify(token, on_behalf_of)
            self._count(command)
            check(self.actor, command)
        except Exception as error:
            self._shared.refused(error)
            raise
        self._is_admitted = True

    async def call(self, command: Command[Result]) -> Result:
        """Return the command's answer.

        Raises:
            Refusal: the command is not for this one, or one too many; or its handler's.
        """
        kind = type(command)
        try:
            if needs_rights(kind) and self._are_rights_old():
                await self._renew()
            if not self._is_admitted:
                self._count(kind)
            check(self.actor, kind)
        except Exception as error:
            self._shared.refused(error)
            raise
        return await self._carried(command)

    async def part(self, command: Command[Result]) -> Result:
        """Return the answer of a command that is one part of what was admitted.

        Raises:
            Unauthenticated: nothing was admitted, or this one may be here no more.
            Refusal: the handler's.
        """
        if not self._is_admitted:
            raise Unauthenticated
        if self._are_rights_old():
            await self._renew()
        return await self._carried(command)

    async def _carried(self, command: Command[Result]) -> Result:
        shared, method = self._shared, type(command).METHOD
        span = None
        if shared.tracer is not None:
            span = follow(shared.tracer, self.actor, method)
        began = perf_counter()
        try:
            result = await shared.caller.call(self.actor, command)
        except Exception as error:
            shared.refused(error)
            unfollow(span, error)
            raise
        finally:
            shared.meters[method].note(perf_counter() - began)
        unfollow(span)
        return result

    def _count(self, command: type[Command[Any]]) -> None:
        """Count a request.

        Raises:
            RateLimited: it is one too many.
        """
        if wait_s := self._bucket.take():
            raise too_many(wait_s)
        if is_for_anyone(command):
            self._take(self._shared.rates.take_of_stranger(self.actor.address))
        elif self.actor.user_id and self.actor is not OPERATOR:
            self._take(self._shared.rates.take(self.actor))

    def _take(self, taken: Taken | None) -> None:
        self.taken = taken
        if taken is not None:
            taken.check()

    # --- many at once: the hot path ---

    def ask(self, method: str, request: Any) -> None:
        """Take a request of the connection; ``Speaker.answer`` gets what came of it.

        Returns at once. Those of one conversation take effect in the order in which they came.

        Args:
            method: The command's name, or a method of the protocol's own.
            request: Handed to the speaker.
        """
        wait_s = self._bucket.take()
        if not wait_s and self._own_bucket is not None:
            wait_s = self._own_bucket.take()
        if wait_s:
            self._refuse(request, wait_s)
            return
        self._refused = 0
        shared = self._shared
        began = perf_counter()
        tracer = shared.tracer
        span = None if tracer is None else follow(tracer, self.actor, method, request)
        try:
            if method == self._method and self._turns is None:
                command = self._command
                work = shared.relay.call(self.actor, self._speaker.read(request, command))
                needs_no_task = shared.needs_no_task or command.AWAITS_ONLY_FUTURES
            else:
                work, needs_no_task = self._work(method, request)
        except Exception as error:
            self._fail(request, error)
            unfollow(span, error)
            return
        done: Answered = partial(self._done, request, shared.meters[method], began)
        if span is not None:
            done = ending_span(span, done)
        self._in_flight += 1
        if self._in_flight >= shared.in_flight_max and not self._is_paused:
            self._is_paused = True
            self._speaker.window(False)
        if needs_no_task:
            Eager(work, done)
        else:
            shared.run(work, done)
        if span is not None:
            TRACE.set("")

    def _work(self, method: str, request: Any) -> tuple[Coroutine[Any, Any, Any], bool]:
        """Return what answers this request and whether it needs no task.

        Raises:
            Refusal, msgspec.ValidationError: the request is refused.
        """
        own = self._speaker.own(method, request)
        if own is not None:
            return own
        command = self._shared.command(method)
        if needs_rights(command) and self._are_rights_old():
            return self._renewed(command, request, self._renew()), False
        self._check(method, command)
        work = self._shared.relay.call(self.actor, self._speaker.read(request, command))
        return work, self._shared.needs_no_task or command.AWAITS_ONLY_FUTURES

    async def _renewed(
        self, command: type[Command[Any]], request: Any, rights: Awaitable[None]
    ) -> Any:
        """Answer a request that came while the rights were unsure."""
        await rights
        self._check(command.METHOD, command)
        params = self._speaker.read(request, command)
        return await self._shared.relay.call(self.actor, params)

    def _check(self, method: str, command: type[Command[Any]]) -> None:
        check(self.actor, command)
        if is_for_anyone(command):
            self._take(self._shared.rates.take_of_stranger(self.actor.address))
        elif not self.actor.expires_at_ms:  # else the clock is looked at each time
            self._method, self._command = method, command

    def _done(
        self, request: Any, took: Durations, began: float, result: Any, error: Exception | None
    ) -> None:
        took.note(perf_counter() - began)
        if error is not None:
            self._fail(request, error)
        else:
            self._speaker.answer(request, result, None)
        self._in_flight -= 1
        if self._is_paused and self._in_flight * 2 <= self._shared.in_flight_max:
            self._is_paused = False
            self._speaker.window(True)

    def _fail(self, request: Any, error: Exception) -> None:
        self._shared.refused(error)
        self._speaker.answer(request, None, error)

    def _refuse(self, request: Any, wait_s: float) -> None:
        """Say how long to wait; cut who does not listen."""
        self._fail(request, too_many(wait_s))
        self._refused += 1
        if self._refused >= REFUSED_MAX:
            self._speaker.flooded()
