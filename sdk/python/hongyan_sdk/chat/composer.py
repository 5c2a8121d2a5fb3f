"""The composer: the text field of the terminal client."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea


class Composer(TextArea):
    """A text of one or more lines: Enter sends, Ctrl+J begins a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j", "newline", "New line", show=False),
    ]
    DEFAULT_CSS = """
    Composer { height: auto; max-height: 8; border: round $panel; padding: 0 1; }
    Composer:focus { border: round $primary; }
    """

    class Sent(Message):
        """One wants to send this text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__(
            id="composer", soft_wrap=True, tab_behavior="focus", placeholder="Write a message"
        )

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            text = self.text.strip()
            if text:
                self.clear()
                self.post_message(self.Sent(text))
            return
        await super()._on_key(event)
