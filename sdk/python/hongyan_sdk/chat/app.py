"""The full-screen program."""

from typing import ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType

from hongyan_sdk.client import Client
from hongyan_sdk.errors import HongyanError, Refused

from .accounts import Accounts
from .controller import ChatController
from .entrance import Entrance


class ChatApp(App[None]):
    """Logs in and chats.

    Args:
        accounts: The local stores.
        url: The server.
        identifier: Who to be; empty takes the account that was used last.
    """

    TITLE = "鸿雁 Hongyan"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", "Quit", priority=True)]

    def __init__(self, accounts: Accounts, url: str, identifier: str = "") -> None:
        super().__init__()
        self._accounts = accounts
        self._url = url
        self._identifier = identifier
        self._client: Client | None = None

    def on_mount(self) -> None:
        """Go on with a known account, or ask."""
        known = self._accounts.known(self._url)
        identifier = self._identifier or next(iter(known), "")
        is_known = identifier.lower() in known
        self.push_screen(Entrance(self.log_in, self._url, identifier, tries_at_once=is_known))

    async def log_in(
        self, url: str, identifier: str, password: str, *, is_new: bool = False
    ) -> str:
        """Enter and show the conversations; return a sentence that says why not, or nothing."""
        client: Client | None = None
        try:
            client = self._accounts.client(url, identifier, password, is_new=is_new)
            await client.__aenter__()
        except Refused as refused:
            return refused.message or refused.code
        except (HongyanError, ValueError) as error:
            return str(error)
        self._client = client
        self._url = url
        self.call_later(
            self.switch_screen, ChatController(client)
        )  # not from within the form's own work
        return ""

    @on(ChatController.LoggedOut)
    async def left(self, event: ChatController.LoggedOut) -> None:
        """Close the client and show the form again: the device is logged out."""
        await self.close_client()
        reason = f"This device was logged out: {event.reason.replace('_', ' ')}."
        await self.switch_screen(Entrance(self.log_in, self._url, reason=reason))

    async def close_client(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def on_unmount(self) -> None:
        """Disconnect."""
        await self.close_client()
