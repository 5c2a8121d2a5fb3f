"""The pane that shows one conversation's messages."""

from rich.text import Text
from textual import work
from textual.containers import VerticalScroll
from textual.widgets import Static

from hongyan_sdk.chats import Chat
from hongyan_sdk.client import Client
from hongyan_sdk.errors import HongyanError
from hongyan_sdk.models import Message

from .view import begins_block, bubble, day

PAGE = 50
NEAR_TOP = 3


class History(VerticalScroll, can_focus=True):
    """The messages of the chat that is shown, the newest at the bottom.

    Args:
        client: Whose conversations.
    """

    DEFAULT_CSS = """
    History { padding: 0 1; scrollbar-size-vertical: 1; }
    History .message { padding: 0 0 0 1; height: auto; }
    History .head { margin-top: 1; }
    History .day { text-align: center; color: $text-muted; margin-top: 1; }
    History .news { text-align: center; color: $warning; margin-top: 1; }
    """

    def __init__(self, client: Client) -> None:
        super().__init__(id="history")
        self._client = client
        self._chat: Chat | None = None
        self._messages: list[Message] = []
        self._read_seq = 0
        self._is_whole = False
        self._is_loading = False
        self.names: dict[str, str] = {}

    @property
    def messages(self) -> list[Message]:
        """The messages shown, pending ones included."""
        return self._messages

    @property
    def is_at_end(self) -> bool:
        """Whether the newest message is in sight."""
        return self.scroll_offset.y >= self.max_scroll_y - 1

    async def show(self, chat: Chat) -> None:
        """Show another conversation, at its newest messages."""
        self._chat = chat
        self._read_seq = chat.state.read_seq
        self._is_whole = False
        self._messages = []
        await self.refresh_messages(to_end=True)

    async def refresh_messages(self, *, to_end: bool = False) -> None:
        """Show the conversation as it stands in the store now."""
        chat = self._chat
        if chat is None:
            return
        follows = to_end or self.is_at_end
        limit = max(PAGE, len(self._messages) + 1)
        found = await self._history(chat, None, limit)
        if self._chat is not chat:
            return  # another one is shown meanwhile
        self._is_whole = len(found) < limit
        self._messages = found + chat.pending()
        await self._learn_names()
        await self._draw()
        if follows:
            self.call_after_refresh(self.scroll_end, animate=False)

    def on_mount(self) -> None:
        """Load older messages when one scrolls near the top."""
        self.watch(self, "scroll_y", self._scrolled, init=False)

    def _scrolled(self, at: float) -> None:
        if at <= NEAR_TOP and self._messages and not self._is_whole and not self._is_loading:
            self._load_older()

    @work
    async def _load_older(self) -> None:
        chat = self._chat
        first = next((message.seq for message in self._messages if message.seq), 0)
        if chat is None or not first or self._is_loading:
            return
        self._is_loading = True
        try:
            older = await self._history(chat, first, PAGE)
            if self._chat is not chat:
                return
            self._is_whole = len(older) < PAGE
            if older:
                from_end = self.max_scroll_y - self.scroll_offset.y
                self._messages = older + self._messages
                await self._learn_names()
                await self._draw()
                self.call_after_refresh(self._keep_place, from_end)
        finally:
            self._is_loading = False

    def _keep_place(self, from_end: float) -> None:
        self.scroll_to(y=self.max_scroll_y - from_end, animate=False, force=True)

    async def _history(self, chat: Chat, before_seq: int | None, limit: int) -> list[Message]:
        try:
            return await chat.history(before_seq=before_seq, limit=limit)
        except HongyanError:
            return []  # offline, and not here: what is here is shown

    async def _learn_names(self) -> None:
        senders = {message.sender for message in self._messages}
        if not senders or not self._client.is_online:
            return
        try:
            profiles = await self._client.contacts.profiles(sorted(senders))
        except HongyanError:
            return
        for user_id, profile in profiles.items():
            self.names[user_id] = profile.get("name") or profile.get("handle") or "someone"

    async def _draw(self) -> None:
        """Put the messages on the screen, touching only widgets that change."""
        lines = self._lines()
        kept = {child.name: child for child in self.children if isinstance(child, Static)}
        wanted = {key for key, _, _ in lines}
        with self.app.batch_update():
            for name, old in kept.items():
                if name not in wanted:
                    await old.remove()
            for at, (key, content, classes) in enumerate(lines):
                child = kept.get(key)
                if child is None:
                    child = Static(content, name=key, classes=classes, markup=False)
                    await self.mount(child, before=at if at < len(self.children) else None)
                elif child.content != content:
                    child.update(content)
                if self.children[at] is not child:
                    self.move_child(child, before=at)

    def _lines(self) -> list[tuple[str, str | Text, str]]:
        me = self._client.user_id
        by_seq = {message.seq: message for message in self._messages if message.seq}
        lines: list[tuple[str, str | Text, str]] = []
        before: Message | None = None
        told_news = self._read_seq == 0
        for message in self._messages:
            today = day(message.sent_at_ms)
            if before is None or day(before.sent_at_ms) != today:
                lines.append((f"day {today}", f"── {today} ──", "day"))
                before = None
            is_news = message.sender != me and message.seq > self._read_seq
            if is_news and not told_news:
                lines.append(("news", "── new ──", "news"))
                before = None
                told_news = True
            has_head = begins_block(message, before)
            content = bubble(
                message,
                "You" if message.sender == me else self.names.get(message.sender, "…"),
                is_mine=message.sender == me,
                has_head=has_head,
                names={**self.names, me: "You"},
                quoted=by_seq.get(message.quote_seq),
                error=self._error(message),
            )
            key = f"{message.sender} {message.client_id or message.seq} {has_head}"
            lines.append((key, content, "message head" if has_head else "message"))
            before = message
        return lines

    def _error(self, message: Message) -> str:
        if message.state != "failed":
            return ""
        item = self._client.store.item(message.client_id)
        return item.error_message or item.error_code if item is not None else ""
