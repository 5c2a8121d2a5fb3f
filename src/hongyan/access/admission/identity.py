"""Authentication: a device with an access token, or a program with an API key."""

from typing import Final

from hongyan.domain.admin.commands import NoteAct
from hongyan.domain.integration.commands import KEY_PREFIX, AuthenticateKey
from hongyan.domain.user.commands import Authenticate
from hongyan.kernel.bus import ANONYMOUS, Actor, Caller
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Invalid

ACTED_FOR: Final = "key.acted_for"
"""The act that the audit log notes when a key acts for a user."""
DAY_MS: Final = 24 * 3600 * 1000
NOTED_MAX: Final = 100_000


class Identity:
    """Finds out who holds a token.

    The audit log notes once a day, for each process, that a key acted for a user: to note each
    message would double the commits.

    Args:
        caller: Asks the services.
        clock: The time of day.
    """

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock
        self._day = 0
        self._noted: set[tuple[str, str]] = set()

    async def of(self, token: str, address: str = "", on_behalf_of: str = "") -> Actor:
        """Return who holds the token.

        Args:
            token: An access token or an API key.
            address: The peer's network address.
            on_behalf_of: For whom an app server's key acts; an external id or a user id.

        Raises:
            Unauthenticated: the token or the key is not valid.
            Invalid: ``on_behalf_of`` names nobody, or comes with an access token.
            Forbidden: the key is a bot's and cannot act for others.
        """
        if token.startswith(KEY_PREFIX):
            command = AuthenticateKey(key=token, on_behalf_of=on_behalf_of, address=address)
            actor = await self._caller.call(ANONYMOUS, command)
            if on_behalf_of:
                await self._note(actor)
            return actor
        if on_behalf_of:
            raise Invalid("Hongyan-On-Behalf-Of needs an app server's API key.")
        actor = await self._caller.call(ANONYMOUS, Authenticate(access_token=token))
        return Actor(actor.user_id, actor.device_id, actor.admin, address)

    async def _note(self, actor: Actor) -> None:
        """Let the audit log know, once a day, that this key acts for this user."""
        pair, day = (actor.key_id, actor.user_id), self._clock.now_ms() // DAY_MS
        if day != self._day or len(self._noted) >= NOTED_MAX:
            self._day, self._noted = day, set()
        if pair in self._noted:
            return
        self._noted.add(pair)
        try:
            await self._caller.call(actor, NoteAct(act=ACTED_FOR))
        except BaseException:
            self._noted.discard(pair)
            raise
