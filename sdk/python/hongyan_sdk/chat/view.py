"""Messages and conversations as text. Pure: no widgets, no input or output."""

import unicodedata
from datetime import datetime, timedelta

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from hongyan_sdk.models import Conversation, Message

SAME_BLOCK_MS = 5 * 60 * 1000
NAME_STYLES = ("cyan", "magenta", "yellow", "blue", "bright_red", "bright_cyan", "bright_magenta")
OWN_STYLE = "green"
_DROPPED = {"Cc", "Cf", "Cs"}
_KEPT = "\n\u200d"


def clean(value: str) -> str:
    """Return text that cannot steer the terminal: no control or direction characters.

    Line feeds stay, and the joiner that families of emoji need; a tab becomes spaces.
    """
    value = value.replace("\t", "    ")
    return "".join(
        char for char in value if char in _KEPT or unicodedata.category(char) not in _DROPPED
    )


def one_line(value: str, cells: int) -> str:
    """Return the text on one line, cut with an ellipsis to so many terminal cells."""
    value = " ".join(clean(value).split())
    if cell_len(value) <= cells:
        return value
    return set_cell_size(value, max(0, cells - 1)).rstrip() + "…"


def title(conversation: Conversation) -> str:
    """Return what a conversation is called."""
    if conversation.name:
        return one_line(conversation.name, 60)
    named = {"self": "Notes to myself", "system": "Hongyan", "direct": "Deleted account"}
    return named.get(conversation.kind, conversation.conversation_id)


def when(at_ms: int, now: datetime | None = None) -> str:
    """Return a short time: ``09:31`` today, ``Mon`` this week, else a date."""
    if at_ms <= 0:
        return ""
    at = datetime.fromtimestamp(at_ms / 1000)
    now = now or datetime.now()
    if at.date() == now.date():
        return f"{at:%H:%M}"
    if now - at < timedelta(days=6):
        return f"{at:%a}"
    return f"{at:%d %b}" if at.year == now.year else f"{at:%Y-%m-%d}"


def day(at_ms: int) -> str:
    """Return the day as a heading."""
    return f"{datetime.fromtimestamp(at_ms / 1000):%A, %d %B %Y}"


def preview(message: Message | None, me: str, cells: int) -> str:
    """Return one line for the newest message of a conversation."""
    if message is None:
        return ""
    told = "recalled a message" if message.recalled else message.text
    return one_line(f"You: {told}" if message.sender == me else told, cells)


def row(conversation: Conversation, newest: Message | None, me: str, cells: int) -> Text:
    """Return a conversation's two lines in the list."""
    badge = str(conversation.unread) if conversation.unread else ""
    if conversation.mentions:
        badge = f"@{badge}"
    time = when(conversation.active_at_ms)
    name = one_line(title(conversation), max(4, cells - cell_len(time) - 1))
    text = Text(no_wrap=True, overflow="crop")
    text.append(set_cell_size(name, cells - cell_len(time)), "bold" if badge else "")
    text.append(time, "dim")
    text.append("\n")
    room = cells - (cell_len(badge) + 3 if badge else 0)
    text.append(set_cell_size(preview(newest, me, room), room), "dim")
    if badge:
        text.append(f" {badge:>1} ", "bold reverse")
    return text


def begins_block(message: Message, before: Message | None) -> bool:
    """Return whether the message shows its sender: another one spoke before, or long ago."""
    if before is None or before.sender != message.sender:
        return True
    return message.sent_at_ms - before.sent_at_ms > SAME_BLOCK_MS


def bubble(
    message: Message,
    name: str,
    *,
    is_mine: bool,
    has_head: bool,
    names: dict[str, str],
    quoted: Message | None = None,
    error: str = "",
) -> Text:
    """Return a message as it stands in the history."""
    text = Text()
    if has_head:
        text.append(one_line(name, 40), f"bold {OWN_STYLE if is_mine else colour(message.sender)}")
        text.append(f"  {datetime.fromtimestamp(message.sent_at_ms / 1000):%H:%M}\n", "dim")
    if quoted is not None:
        said = "recalled message" if quoted.recalled else quoted.text
        who = names.get(quoted.sender, "")
        text.append(f"▎{one_line(f'{who}: {said}', 60)}\n", "dim")
    if message.recalled:
        text.append("message recalled", "dim italic")
    elif message.state == "pending":
        text.append(clean(message.text))
        text.append("  ◷ sending", "dim")
    elif message.state == "failed":
        text.append(clean(message.text))
        text.append(f"  ✗ not sent: {error or 'refused'}", "bold red")
    else:
        text.append(clean(message.text))
        if message.edited_at_ms:
            text.append("  edited", "dim italic")
    if message.reactions:
        told = "  ".join(f"{clean(emoji)} {len(who)}" for emoji, who in message.reactions.items())
        text.append(f"\n{told}", "dim")
    return text


def colour(user_id: str) -> str:
    """Return the style of a person's name; the same one always."""
    return NAME_STYLES[sum(user_id.encode()) % len(NAME_STYLES)]


def plain(message: Message, name: str) -> str:
    """Return a message as one or more lines for a script: time, sender, text."""
    at = datetime.fromtimestamp(message.sent_at_ms / 1000)
    said = "(recalled)" if message.recalled else clean(message.text).replace("\n", "\n    ")
    return f"{at:%Y-%m-%d %H:%M:%S}  {one_line(name, 40)}: {said}"
