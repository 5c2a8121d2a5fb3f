"""What may be asked of the user service: commands, answers and refusals."""

from msgspec import Struct

from hongyan.kernel.bus import Access, Actor, Command
from hongyan.kernel.ids import DeviceId, UserId


class Authenticate(Command[Actor], frozen=True, kw_only=True):
    """Who holds this access token? Asked by the doors.

    Raises:
        Unauthenticated: the token is malformed, expired or its device was removed.
    """

    METHOD = "user.authenticate"
    ACCESS = Access.INTERNAL

    access_token: str


class Tokens(Struct, frozen=True):
    """What a device holds after it has logged in."""

    user_id: UserId
    device_id: DeviceId
    access_token: str
    expires_in_s: int
    refresh_token: str
