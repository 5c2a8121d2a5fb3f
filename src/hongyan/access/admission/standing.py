"""The identity of a guest, and its present rights."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from msgspec import structs

from hongyan.delivery.ports import Peer
from hongyan.domain.integration.commands import KeyUnknown
from hongyan.kernel.bus import Actor, Command
from hongyan.kernel.errors import Forbidden, Unauthenticated, Unavailable
from hongyan.kernel.ids import new_connection_id

from .shared import Shared

RIGHTS_S = 5.0
"""The greatest age of rights where changes are not received: in a long request of HTTP."""


class Standing:
    """Somebody's identity and rights; a stranger's until identified.

    Args:
        shared: What all guests share.
        actor: Who it is, as far as is known; it changes with what is found out.
    """

    __slots__ = (
        "_command",
        "_has_left",
        "_is_ended",
        "_is_unsure",
        "_known_at_s",
        "_method",
        "_peer",
        "_shared",
        "_turns",
        "_waiting",
        "actor",
        "resyncs",
    )

    def __init__(self, shared: Shared, actor: Actor) -> None:
        self._shared = shared
        self._method: str | None = None
        self._command: type[Command[Any]]
        """The last command, which may be repeated while the rights are these."""
        self._peer: Peer | None = None
        self._has_left = False
        self._turns: asyncio.Lock | None = None
        """The requests that wait while the rights are unsure; None while they are not."""
        self._waiting = 0
        self._is_unsure = False
        self._is_ended = False
        self._known_at_s = 0.0
        self.resyncs = 0
        self.actor = actor

    # --- who it is ---

    async def identify(self, token: str, on_behalf_of: str = "") -> Actor:
        """Find out who holds the token; from then on that one asks.

        Args:
            token: An access token or an API key.
            on_behalf_of: For whom an app server's key acts; an external id or a user id.

        Raises:
            Unauthenticated: the token or the key is not valid.
            Invalid: ``on_behalf_of`` names nobody, or comes with an access token.
            Forbidden: the key is a bot's and cannot act for others.
        """
        address = self.actor.address
        return self._become(await self._shared.identity.of(token, address, on_behalf_of))

    def _become(self, actor: Actor) -> Actor:
        self.actor = actor
        self._known_at_s = asyncio.get_running_loop().time()
        self._method = None
        return actor

    # --- staying connected ---

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait in line before coming in, where many come at once.

        Raises:
            Busy: the line is full.
            Unavailable: the connection has gone while it waited.
        """
        if self._shared.line is None:
            yield
            return
        async with self._shared.line.turn():
            if self._has_left:
                raise Unavailable
            yield

    def connected(self, asks_here: bool) -> Actor:
        """Return who stays connected.

        Args:
            asks_here: Whether it asks on the same connection, and has its answers there: then
                what it changed is not pushed to it.

        Raises:
            Forbidden: it is no device.
        """
        if not self.actor.device_id:
            raise Forbidden("An app server's key has no connection; use REST and webhooks.")
        if asks_here:
            self.actor = structs.replace(self.actor, connection_id=new_connection_id())
        return self.actor

    async def attach(self, peer: Peer) -> None:
        """Let events reach the peer, for as long as this one may be here; then it is kicked."""
        self._peer = peer
        self._shared.live.add(self)
        await self._shared.hub.attach(peer)
        if self._has_left:
            self.leave()
        else:
            self._shared.live.look_soon(self)

    def leave(self) -> None:
        """The connection is gone. What was asked is still carried out, but not answered."""
        self._has_left = True
        if self._peer is not None:
            self._shared.live.discard(self)
            self._shared.hub.detach(self._peer)

    # --- rights ---

    def resync(self) -> None:
        """See ``Holder.resync``."""
        self.resyncs += 1
        self._is_unsure = True
        if self._turns is None:
            self._turns = asyncio.Lock()

    def learn(self, actor: Actor | None, resyncs: int) -> None:
        """See ``Holder.learn``."""
        if actor is None:
            self._is_ended = True
            self.resync()  # for ever
            if self._peer is not None:
                self._peer.kick("kicked")
            return
        self._known_at_s = asyncio.get_running_loop().time()
        now = structs.replace(
            actor, address=self.actor.address, connection_id=self.actor.connection_id
        )
        if now != self.actor:
            self.actor = now
            self._method = None
        if resyncs == self.resyncs:
            self._is_unsure = False
            if not self._waiting:
                self._turns = None

    def _are_rights_old(self) -> bool:
        """Return whether they are to be asked for before this one asks for more."""
        if self._turns is not None:
            return True
        actor = self.actor
        if 0 < actor.expires_at_ms <= self._shared.clock.now_ms():
            self.resync()
        elif self._peer is None and (actor.device_id or actor.key_id):
            age_s = asyncio.get_running_loop().time() - self._known_at_s
            if age_s > RIGHTS_S:
                self.resync()
        return self._turns is not None

    def _renew(self) -> Coroutine[Any, Any, None]:
        """Wait until the rights are sure; requests go on in the order in which they came.

        The request waits from this call on, also before the coroutine begins.

        Raises:
            Unauthenticated: this one may be here no more.
            Refusal: the rights cannot be asked for.
        """
        assert self._turns is not None
        self._waiting += 1
        return self._renewing(self._turns)

    async def _renewing(self, turns: asyncio.Lock) -> None:
        try:
            async with turns:
                while self._is_unsure and not self._is_ended:
                    await self._shared.live.renew(self)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._is_unsure:
                self._turns = None
        if self._is_ended:
            raise KeyUnknown if self.actor.key_id else Unauthenticated
