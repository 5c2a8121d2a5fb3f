"""Commands of a widget besides those of every client."""

from hongyan.domain.conversation.model import Conversation
from hongyan.kernel.bus import Command


class OpenWidget(Command[Conversation], frozen=True, kw_only=True):
    """Return the conversation that a widget shows. Exactly one of the fields is given.

    Raises:
        NoSuchConversation: no group has this external id, or the caller is not in it.
        NoSuchUser: nobody lets himself or herself be found by this handle.
        LoginTokenInvalid: the token is not valid any more, or not the caller's.
        Invalid: none or several are given, or the token names no peer.
        Blocked: there is no conversation with the peer yet, and the peer blocked the caller.
    """

    METHOD = "widget.open"

    external_id: str = ""
    """Of an object of the business whose group the caller is in."""
    handle: str = ""
    """Of a person; the direct conversation is made where there is none."""
    login_token: str = ""
    """The caller's own, minted with a peer: the direct conversation with that one."""
