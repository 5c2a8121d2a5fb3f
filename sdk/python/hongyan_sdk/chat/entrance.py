"""The form to log in or make an account."""

from collections.abc import Awaitable, Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Center, Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, Label, Static

LogIn = Callable[..., Awaitable[str]]


class Entrance(Screen[None]):
    """Asks for server, name and password.

    Args:
        log_in: Takes them (and ``is_new``), and returns why it did not work, or nothing.
        url: The server to begin with.
        identifier: The name to begin with.
        reason: A sentence to show at first.
        tries_at_once: Whether to try without a password: the store may have tokens.
    """

    CSS = """
    Entrance { align: center middle; }
    #card { width: 52; height: auto; border: round $primary; padding: 1 2; }
    #brand { text-align: center; width: 100%; text-style: bold; color: $primary; }
    #motto { text-align: center; width: 100%; color: $text-muted; margin-bottom: 1; }
    #card Label { color: $text-muted; }
    #card Input { margin-bottom: 1; }
    #problem { color: $error; width: 100%; height: 2; }
    #buttons { height: auto; align-horizontal: right; margin-top: 1; }
    #buttons Button { margin-left: 2; }
    """

    def __init__(
        self,
        log_in: LogIn,
        url: str,
        identifier: str = "",
        reason: str = "",
        *,
        tries_at_once: bool = False,
    ) -> None:
        super().__init__()
        self._log_in = log_in
        self._url = url
        self._identifier = identifier
        self._reason = reason
        self._tries_at_once = tries_at_once

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Center(), Vertical(id="card"):
            yield Static("鸿雁 Hongyan", id="brand")
            yield Static("messages that arrive", id="motto")
            yield Label("Server")
            yield Input(self._url, id="url")
            yield Label("Handle, e-mail or telephone")
            yield Input(self._identifier, id="identifier", max_length=64)
            yield Label("Password")
            yield Input(password=True, id="password", max_length=128)
            yield Static(self._reason, id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Create account", id="register")
                yield Button("Log in", id="login", variant="primary")
        yield Footer()

    def on_mount(self) -> None:
        """Begin where something is missing."""
        self.query_one("#password" if self._identifier else "#identifier").focus()
        if self._tries_at_once:
            self._try(is_new=False)

    @on(Input.Submitted)
    def next_field(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field, and from the last one logs in."""
        if event.input.id == "password":
            self._try(is_new=False)
        else:
            self.focus_next(Input)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Log in or register."""
        self._try(is_new=event.button.id == "register")

    def _try(self, *, is_new: bool) -> None:
        self.run_worker(self._enter(is_new), exclusive=True)

    async def _enter(self, is_new: bool) -> None:
        url, identifier, password = (
            self.query_one(f"#{name}", Input).value.strip()
            for name in ("url", "identifier", "password")
        )
        problem = self.query_one("#problem", Static)
        if not self._tries_at_once and not (identifier and password):
            problem.update("Fill in your name and your password.")
            return
        problem.update("Connecting…")
        told = await self._log_in(url, identifier, password, is_new=is_new)
        if told and self.is_mounted:
            problem.update("" if self._tries_at_once else told)
        self._tries_at_once = False
