"""Who speaks: a device with an access token, or a program with an API key."""

from hongyan.domain.integration.api import KEY_PREFIX, AuthenticateKey
from hongyan.domain.user.api import Authenticate
from hongyan.kernel.bus import ANONYMOUS, Actor, Caller
from hongyan.kernel.errors import Invalid


async def identify(caller: Caller, token: str, address: str = "", on_behalf_of: str = "") -> Actor:
    """Return who holds the token.

    Args:
        caller: Asks the services.
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
        return await caller.call(ANONYMOUS, command)
    if on_behalf_of:
        raise Invalid("Hongyan-On-Behalf-Of needs an app server's API key.")
    actor = await caller.call(ANONYMOUS, Authenticate(access_token=token))
    return Actor(actor.user_id, actor.device_id, actor.admin, address)
