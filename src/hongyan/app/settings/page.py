"""The page of the documentation that lists every setting."""

import inspect
from typing import Any

from .sources import Field, fields, sections

INTRODUCTION = """\
# Settings

Made from the code by `make docs`; what stands here is what the server checks.

A setting has a section and a name. It may be given in three places; the later one wins:

1. a TOML file: `hongyan.toml` in the data folder, or the one that `--config` names
2. the environment: `HONGYAN_SECTION__NAME`, such as `HONGYAN_SERVER__LISTEN`
3. flags: `--set section.name=value`, and `--data` and `--listen` for the two most used

```toml
[server]
listen = "0.0.0.0:8800"

[users]
registration = "invite"
```

An unknown key or a wrong value stops the server with a sentence that names the key, where it
came from, and what is allowed. `hongyan settings` prints the settings in effect and where each
came from; secret ones are masked. Times end in `_s` (seconds) or `_ms`, sizes in `_bytes` or
`_kib`.
"""


def settings_page() -> str:
    """Return the page as Markdown, ending in a newline."""
    lines = [INTRODUCTION]
    by_section: dict[str, list[Field]] = {}
    for field in fields():
        by_section.setdefault(field.section, []).append(field)
    for section, struct in sections().items():
        lines += [f"## {section}", "", inspect.getdoc(struct) or "", ""]
        for field in by_section[section]:
            text = " ".join(field.text.replace("``", "`").split())
            lines += [
                f"### {field.dotted}",
                "",
                text,
                "",
                f"- default: `{shown(field.default)}`",
                f"- allowed: {field.allowed}",
                f"- environment: `{field.variable}`",
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def shown(value: Any) -> str:
    """Return a value as TOML would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(part) for part in value) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value}"
