"""The pages of an export: static HTML without anything active, to be read from a folder."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from msgspec import Struct

from hongyan.domain.log.model import Entry
from hongyan.domain.message.model import (
    MESSAGE,
    Contact,
    Content,
    Custom,
    Image,
    Link,
    Location,
    Media,
    MergedForward,
    Notice,
    Poll,
    Sticker,
    Text,
    Video,
    Voice,
    decode_body,
)

LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "chats": "Conversations",
        "messages": "messages",
        "made": "Exported at",
        "back": "All conversations",
        "earlier": "Earlier",
        "later": "Later",
        "gone": "This message is no longer there.",
        "edited": "edited",
        "answers": "in reply to",
        "forwarded": "forwarded from",
        "file": "File",
        "missing": "not in this export",
        "location": "Location",
        "contact": "Contact",
        "poll": "Poll",
        "custom": "Other content",
        "deleted": "Deleted user",
        "direct": "Direct conversation with",
        "self": "Notes to self",
        "system": "Notices of the system",
        "group": "Group",
    },
    "zh": {
        "chats": "会话",
        "messages": "条消息",
        "made": "导出时间",
        "back": "所有会话",
        "earlier": "更早",
        "later": "更晚",
        "gone": "此消息已不存在。",
        "edited": "已编辑",
        "answers": "回复",
        "forwarded": "转发自",
        "file": "文件",
        "missing": "未包含在本次导出中",
        "location": "位置",
        "contact": "名片",
        "poll": "投票",
        "custom": "其他内容",
        "deleted": "已注销用户",
        "direct": "与以下用户的私聊：",
        "self": "给自己的备忘",
        "system": "系统通知",
        "group": "群组",
    },
}
POLICY = "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #1b1f24; --dim: #667; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --card: #20252a; --ink: #e6e9ec; --dim: #9aa4ad; }
}
body { margin: 0 auto; max-width: 48rem; padding: 1rem; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; }
a { color: inherit; }
h1 { font-size: 1.3rem; }
nav, footer, .dim { color: var(--dim); font-size: .85rem; }
h2 { font-size: .9rem; text-align: center; color: var(--dim); font-weight: normal; }
article { background: var(--card); border-radius: .6rem; padding: .5rem .8rem; margin: .4rem 0; }
article p { margin: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
article img { max-width: 100%; max-height: 24rem; border-radius: .4rem; display: block; }
blockquote { margin: .2rem 0; padding-left: .6rem; border-left: 3px solid var(--dim);
  color: var(--dim); }
li { margin: .3rem 0; }
"""


Reactions = Mapping[int, Sequence[tuple[str, int]]]
"""Emojis and how many gave each, by the seq of the message."""


class ExportedChat(Struct, frozen=True):
    """One conversation in the list of an export."""

    page: str
    title: str
    messages: int


class Copied(Struct, frozen=True):
    """A file of the export."""

    path: str
    """Below the export's folder."""
    name: str
    is_picture: bool


class Pages:
    """Writes pages in one language.

    Args:
        language: ``en`` or ``zh``.
        names: What people are called, by user id.
        files: The files of the export, by media id.
    """

    def __init__(
        self, language: str, names: Mapping[str, str], files: Mapping[str, Copied]
    ) -> None:
        self.language = language
        self.words = LABELS[language]
        self._names = names
        self._files = files

    def index(self, title: str, chats: Sequence[ExportedChat], made_at_ms: int) -> str:
        """Return the page that leads to the conversations."""
        items = "".join(
            f'<li><a href="{escape(chat.page)}">{escape(chat.title)}</a>'
            f' <span class="dim">{chat.messages:,} {self.words["messages"]}</span></li>\n'
            for chat in chats
        )
        made = f"{self.words['made']} {_date(made_at_ms)} {_time(made_at_ms)} UTC"
        return self._page(
            title, f"<h2>{self.words['chats']}</h2>\n<ul>\n{items}</ul>\n<footer>{made}</footer>"
        )

    def chat(
        self, title: str, entries: Sequence[Entry], earlier: str, later: str, reactions: Reactions
    ) -> str:
        """Return one page of a conversation; the other two pages are file names, or empty."""
        turns = [(earlier, "earlier"), (later, "later")]
        links = [f'<a href="{escape(page)}">{self.words[word]}</a>' for page, word in turns if page]
        navigation = " · ".join(['<a href="../index.html">' + self.words["back"] + "</a>", *links])
        parts = []
        day = ""
        for entry in entries:
            if entry.kind != MESSAGE:
                continue
            if _date(entry.sent_at_ms) != day:
                day = _date(entry.sent_at_ms)
                parts.append(f"<h2>{day}</h2>\n")
            parts.append(self._message(entry, reactions.get(entry.seq, ())))
        nav = f"<nav>{navigation}</nav>\n"
        return self._page(title, nav + "".join(parts) + nav)

    def name(self, user_id: str) -> str:
        """Return what somebody is called."""
        return self._names.get(user_id) or user_id

    def _page(self, title: str, body: str) -> str:
        language = {"en": "en", "zh": "zh-CN"}[self.language]
        return (
            f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
        )

    def _message(self, entry: Entry, reactions: Sequence[tuple[str, int]]) -> str:
        body = decode_body(entry)
        head = f"<b>{escape(self.name(entry.sender))}</b> <span>{_time(entry.sent_at_ms)}</span>"
        if body.edited_at_ms:
            head += f" · {self.words['edited']}"
        parts = [f'<article id="m{entry.seq}"><div class="dim">{head}</div>']
        if body.forwarded_from is not None:
            whom = body.forwarded_from.name or self.name(body.forwarded_from.sender)
            parts.append(f'<p class="dim">{self.words["forwarded"]} {escape(whom)}</p>')
        if body.quote is not None:
            whom = escape(self.name(body.quote.sender))
            text = f'{self.words["answers"]} <a href="#m{body.quote.seq}">{whom}</a>'
            parts.append(f"<blockquote>{text}</blockquote>")
        if body.content is None:
            parts.append(f'<p class="dim">{self.words["gone"]}</p>')
        else:
            parts.append(self._content(body.content))
        if reactions:
            counts = " ".join(f"{escape(emoji)} {count}" for emoji, count in reactions)
            parts.append(f'<div class="dim">{counts}</div>')
        return "".join([*parts, "</article>\n"])

    def _content(self, content: Content) -> str:
        words = self.words
        match content:
            case Text(text=text) | Notice(text=text):
                return _paragraph(text)
            case Media():
                return self._file(content)
            case Sticker():
                return _paragraph(content.emoji or content.pack)
            case Location():
                place = f"{content.latitude}, {content.longitude}"
                return _paragraph(f"{words['location']}: {content.name} {content.address} {place}")
            case Contact():
                name = content.name or self.name(content.user_id)
                return _paragraph(f"{words['contact']}: {name}")
            case Link():
                return _paragraph(f"{content.title}\n{content.description}\n{content.url}".strip())
            case Poll():
                options = "".join(f"<li>{escape(option)}</li>" for option in content.options)
                question = _paragraph(f"{words['poll']}: {content.question}")
                return f"{question}<ul>{options}</ul>"
            case MergedForward():
                inner = "".join(
                    f"<blockquote>{escape(one.name)}: {escape(str(one.content.get('text', '…')))}"
                    "</blockquote>"
                    for one in content.messages
                )
                return _paragraph(content.title) + inner
            case Custom():
                return _paragraph(f"{words['custom']}: {content.summary or content.name}")

    def _file(self, content: Media) -> str:
        copied = self._files.get(content.media_id)
        if copied is None:
            what = content.name or content.media_id
            return _paragraph(f"{self.words['file']}: {what} ({self.words['missing']})") + (
                _paragraph(content.caption) if content.caption else ""
            )
        href = escape(f"../{copied.path}")
        shown = escape(content.name or copied.name)
        if isinstance(content, Image) and copied.is_picture:
            body = f'<a href="{href}"><img src="{href}" alt="{shown}" loading="lazy"></a>'
        else:
            sign = "▶ " if isinstance(content, Voice | Video) else ""
            body = f'<p><a href="{href}" download>{sign}{shown}</a></p>'
        return body + (_paragraph(content.caption) if content.caption else "")


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _date(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M}"
