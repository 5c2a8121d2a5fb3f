"""Small forms over the conversations."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from hongyan_sdk.client import Client
from hongyan_sdk.errors import HongyanError, Refused

from .view import one_line

CARD = """
    align: center middle; background: $background 60%;
"""
INNER = "width: 56; height: auto; border: round $primary; padding: 1 2; background: $surface;"


class FindPerson(ModalScreen[str | None]):
    """Finds somebody by handle or name and returns the user id."""

    CSS = f"""
    FindPerson {{ {CARD} }}
    FindPerson > Vertical {{ {INNER} }}
    FindPerson Label {{ color: $text-muted; }}
    #found {{ height: auto; max-height: 10; margin-top: 1; border: none; }}
    #note {{ color: $text-muted; height: 1; margin-top: 1; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "focus_next", show=False),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical():
            yield Label("New chat: a handle, or the beginning of a name")
            yield Input(id="query", max_length=64)
            yield OptionList(id="found", compact=True)
            yield Static("", id="note", markup=False)

    def on_mount(self) -> None:
        """Begin with the query."""
        self.query_one("#query").focus()

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        """Search as one types."""
        self.run_worker(self._search(event.value.strip()), exclusive=True)

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Enter takes the first one found."""
        found = self.query_one("#found", OptionList)
        if found.option_count:
            self.dismiss(found.get_option_at_index(found.highlighted or 0).id)

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        """Take this one."""
        self.dismiss(event.option.id)

    async def _search(self, query: str) -> None:
        users: list[dict[str, Any]] = []
        note = ""
        if query:
            try:
                users = await self._client.contacts.search(query.removeprefix("@"))
                note = "" if users else "Nobody is called that."
            except Refused as refused:
                note = refused.message
            except HongyanError as error:
                note = str(error)
        found = self.query_one("#found", OptionList)
        found.clear_options()
        for user in users:
            label = f"{user.get('name') or ''}  @{user.get('handle') or ''}"
            found.add_option(Option(one_line(label, 48), id=user["user_id"]))
        found.highlighted = 0 if users else None
        self.query_one("#note", Static).update(note)


class NewGroup(ModalScreen[tuple[str, list[str]] | None]):
    """Asks for a group's name and members; returns the name and the handles."""

    CSS = f"""
    NewGroup {{ {CARD} }}
    NewGroup > Vertical {{ {INNER} }}
    NewGroup Label {{ color: $text-muted; }}
    NewGroup Input {{ margin-bottom: 1; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Vertical():
            yield Label("New group: its name")
            yield Input(id="name", max_length=64)
            yield Label("Members: handles, with spaces between")
            yield Input(id="handles")

    def on_mount(self) -> None:
        """Begin with the name."""
        self.query_one("#name").focus()

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        """Enter goes on, and from the last field makes the group."""
        if event.input.id == "name":
            self.query_one("#handles").focus()
            return
        name = self.query_one("#name", Input).value.strip()
        handles = self.query_one("#handles", Input).value.replace(",", " ").split()
        if name:
            self.dismiss((name, handles))
        else:
            self.query_one("#name").focus()
