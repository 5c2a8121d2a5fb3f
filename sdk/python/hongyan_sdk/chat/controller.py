"""The main screen: conversations on the left, one of them on the right."""

import contextlib
import time
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message as Notice
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from hongyan_sdk.chats import Chat
from hongyan_sdk.client import Client
from hongyan_sdk.errors import HongyanError, Refused
from hongyan_sdk.events import (
    Connected,
    ConversationChanged,
    Disconnected,
    Event,
    LoggedOutEvent,
    MessageChanged,
    MessageFailed,
    MessageReceived,
    MessageSent,
    SignalReceived,
)
from hongyan_sdk.fold import messages_of
from hongyan_sdk.models import Conversation, Message

from .commands import HELP, Commands
from .composer import Composer
from .dialogs import FindPerson, NewGroup
from .history import History
from .view import one_line, row, title

LIST_CELLS = 28
TYPING_SHOWN_S = 10.0
TYPING_TOLD_EVERY_S = 4.0


class ChatController(Screen[None]):
    """Shows a client that was entered.

    Args:
        client: Whose conversations.
    """

    CSS = f"""
    #left {{ width: {LIST_CELLS + 4}; border-right: solid $panel; }}
    #me {{ height: 1; padding: 0 1; background: $panel; text-style: bold; }}
    #list {{ border: none; padding: 0; height: 1fr; scrollbar-size-vertical: 1; }}
    #list > .option-list--option {{ padding: 0 1; }}
    #empty {{ padding: 1 2; color: $text-muted; display: none; }}
    #title {{ height: 1; padding: 0 2; background: $panel; text-style: bold; }}
    #typing {{ height: 1; padding: 0 2; color: $text-muted; text-style: italic; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "new_chat", "New chat", priority=True),
        Binding("ctrl+g", "new_group", "New group", priority=True),
        Binding("alt+up,ctrl+up", "move(-1)", "Previous", priority=True),
        Binding("alt+down,ctrl+down", "move(1)", "Next", priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("escape", "focus_composer", show=False),
        Binding("f1", "help", "Help", priority=True),
    ]
    AUTO_FOCUS = "#composer"

    class LoggedOut(Notice):
        """The server let this device go."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._shown: list[Conversation] = []
        self._chat: Chat | None = None
        self._told_typing_at = 0.0

    # --- layout ---

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        with Horizontal():
            with Vertical(id="left"):
                yield Static("", id="me", markup=False)
                yield Static("No conversations yet.\n\nCtrl+N finds somebody.", id="empty")
                yield OptionList(id="list", compact=True)
            with Vertical(id="right"):
                yield Static("", id="title", markup=False)
                yield History(self._client)
                yield Static("", id="typing", markup=False)
                yield Composer()
        yield Footer()

    async def on_mount(self) -> None:
        """Show the latest conversation and follow what happens."""
        self._draw_state("" if self._client.is_online else "connecting…")
        self._draw_list()
        if self._shown:
            await self.open(self._client.chat(self._shown[0].conversation_id))
        self._follow()
        self._learn_me()

    # --- conversations ---

    async def open(self, chat: Chat) -> None:
        """Show this conversation."""
        self._chat = chat
        self.query_one("#typing", Static).update("")
        self._draw_title()
        self._draw_list()
        await self.query_one(History).show(chat)
        self._mark_read()

    @on(OptionList.OptionSelected, "#list")
    async def selected(self, event: OptionList.OptionSelected) -> None:
        """Open what was chosen and go on writing."""
        await self.open(self._client.chat(str(event.option.id)))
        self.query_one(Composer).focus()

    async def action_move(self, step: int) -> None:
        """Open the previous or the next conversation of the list."""
        ids = [conversation.conversation_id for conversation in self._shown]
        if ids:
            at = ids.index(self._chat.conversation_id) if self._chat is not None else 0
            await self.open(self._client.chat(ids[(at + step) % len(ids)]))

    def action_page(self, step: int) -> None:
        """Scroll the history by a page."""
        history = self.query_one(History)
        if step < 0:
            history.scroll_page_up()
        else:
            history.scroll_page_down()

    def action_focus_composer(self) -> None:
        """Go on writing."""
        self.query_one(Composer).focus()

    def action_help(self) -> None:
        """Show what one can do."""
        self.notify(HELP, title="Keys and commands", timeout=15, markup=False)

    @work
    async def action_new_chat(self) -> None:
        """Find somebody and open the conversation with them."""
        user_id = await self.app.push_screen_wait(FindPerson(self._client))
        if user_id:
            await self._attempt_open(user_id)

    @work
    async def action_new_group(self) -> None:
        """Make a group."""
        asked = await self.app.push_screen_wait(NewGroup())
        if asked is None:
            return
        name, handles = asked
        try:
            user_ids = []
            for handle in handles:
                profile = await self._client.contacts.by_handle(handle)
                if profile is None:
                    self.complain(f"Nobody is called {handle}.")
                else:
                    user_ids.append(profile["user_id"])
            await self.open(await self._client.create_group(name, user_ids))
        except HongyanError as error:
            self.complain(sentence(error))

    async def _attempt_open(self, user_id: str) -> None:
        try:
            await self.open(await self._client.open_direct(user_id))
        except HongyanError as error:
            self.complain(sentence(error))

    # --- writing ---

    @on(Composer.Sent)
    async def sent(self, event: Composer.Sent) -> None:
        """Send what was written, or do what it commands."""
        if self._chat is None:
            self.complain("Choose a conversation first: Ctrl+N finds somebody.")
        elif event.text.startswith("/"):
            self._command(event.text)
        else:
            self._chat.send_text(event.text)
            await self.query_one(History).refresh_messages(to_end=True)

    @work
    async def _command(self, text: str) -> None:
        assert self._chat is not None
        commands = Commands(self._client, self._chat, self.query_one(History).messages)
        try:
            told = await commands.run(text)
        except HongyanError as error:
            self.complain(sentence(error))
            return
        if told:
            self.notify(told, markup=False)
        await self.query_one(History).refresh_messages()

    @on(TextArea.Changed)
    def writing(self, event: TextArea.Changed) -> None:
        """Signal to the others that one is writing."""
        area, chat = event.text_area, self._chat
        now_s = time.monotonic()
        if (
            chat is not None
            and area.text
            and not area.text.startswith("/")
            and now_s - self._told_typing_at > TYPING_TOLD_EVERY_S
        ):
            self._told_typing_at = now_s
            self._tell_typing(chat)

    @work
    async def _tell_typing(self, chat: Chat) -> None:
        if self._client.is_online:
            with contextlib.suppress(HongyanError):
                await chat.typing()

    def complain(self, sentence: str) -> None:
        """Show what went wrong."""
        self.notify(sentence, severity="error", markup=False)

    # --- what happens ---

    @work
    async def _follow(self) -> None:
        async for event in self._client.events():
            await self._happened(event)

    async def _happened(self, event: Event) -> None:
        if isinstance(event, MessageReceived | MessageSent | MessageChanged | MessageFailed):
            await self._message_changed(event)
        elif isinstance(event, ConversationChanged):
            self._draw_list()
            if self._is_shown(event.conversation.conversation_id):
                self._draw_title()
        elif isinstance(event, SignalReceived):
            if event.kind == "profile":
                await self.query_one(History).refresh_messages()
            else:
                self._signalled(event)
        elif isinstance(event, Connected):
            self._draw_state("")
            await self.query_one(History).refresh_messages()
        elif isinstance(event, Disconnected):
            self._draw_state("offline, trying again…")
        elif isinstance(event, LoggedOutEvent):
            self.post_message(self.LoggedOut(event.reason))

    async def _message_changed(
        self, event: MessageReceived | MessageSent | MessageChanged | MessageFailed
    ) -> None:
        if not self._is_shown(event.message.conversation_id):
            return
        history = self.query_one(History)
        await history.refresh_messages()
        if isinstance(event, MessageReceived):
            self.query_one("#typing", Static).update("")
            if history.is_at_end:
                self._mark_read()

    def _signalled(self, signal: SignalReceived) -> None:
        if signal.kind != "typing" or not self._is_shown(signal.log_id):
            return
        name = self.query_one(History).names.get(signal.sender, "Somebody")
        is_typing = signal.body.get("state") != "stopped"
        line = self.query_one("#typing", Static)
        line.update(f"{one_line(name, 30)} is writing…" if is_typing else "")
        self.set_timer(TYPING_SHOWN_S, lambda: line.update(""))

    def _is_shown(self, conversation_id: str) -> bool:
        return self._chat is not None and self._chat.conversation_id == conversation_id

    @work(exclusive=True, group="read")
    async def _mark_read(self) -> None:
        if self._chat is not None and self._client.is_online:
            with contextlib.suppress(HongyanError):
                await self._chat.mark_read()

    # --- drawing ---

    def _draw_list(self) -> None:
        shown = self.query_one("#list", OptionList)
        self._shown = self._client.conversations()
        me = self._client.user_id
        options = [
            Option(row(local, self._newest(local), me, LIST_CELLS), id=local.conversation_id)
            for local in self._shown
        ]
        at = shown.scroll_offset
        shown.clear_options().add_options(options)
        if self._chat is not None:
            ids = [local.conversation_id for local in self._shown]
            if self._chat.conversation_id in ids:
                shown.highlighted = ids.index(self._chat.conversation_id)
        if not shown.has_focus:
            shown.scroll_to(y=at.y, animate=False)
        self.query_one("#empty").display = not options
        shown.display = bool(options)

    def _newest(self, local: Conversation) -> Message | None:
        store = self._client.store
        found = store.entries(
            local.conversation_id, 0, local.tip, 1, newest=True, kinds=("message",)
        )
        return next(iter(messages_of(store, found)), None)

    def _draw_title(self) -> None:
        state = self._chat.state if self._chat is not None else None
        told = title(state) if state is not None else ""
        group = (state.info.get("group") if state is not None else None) or {}
        if group.get("member_count"):
            told += f"  ·  {group['member_count']} members"
        if group.get("dissolved"):
            told += "  ·  dissolved"
        elif state is not None and not state.active:
            told += "  ·  you are not in it any more"
        self.query_one("#title", Static).update(told)

    def _draw_state(self, state: str) -> None:
        name = self.query_one(History).names.get(self._client.user_id, "")
        told = f"{name}  {state}" if state else name
        self.query_one("#me", Static).update(told or "鸿雁")

    @work
    async def _learn_me(self) -> None:
        me = self._client.user_id
        with contextlib.suppress(HongyanError):
            profile = (await self._client.contacts.profiles([me])).get(me, {})
            self.query_one(History).names[me] = profile.get("name") or profile.get("handle") or ""
            self._draw_state("" if self._client.is_online else "offline")


def sentence(error: HongyanError) -> str:
    """Return what to tell a person."""
    if isinstance(error, Refused):
        return error.message or error.code
    return str(error)
