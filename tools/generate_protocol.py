"""Write what can be made from the code: ``protocol/`` and ``docs/operate/settings.md``.

Run it as ``make docs``; a test fails while the files differ from what this would write.
"""

from pathlib import Path

import msgspec

from hongyan.access.http.openapi import openapi_json
from hongyan.access.native.description.documents import documents
from hongyan.app.settings.page import settings_page
from hongyan.domain.catalog import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
MADE = ("schemas/*.json",)


def generated() -> dict[Path, str]:
    """Return every generated file's text by its path."""
    found = {ROOT / "protocol" / name: text for name, text in documents(COMMANDS).items()}
    openapi = msgspec.json.format(openapi_json(), indent=2).decode() + "\n"
    found[ROOT / "protocol" / "openapi.json"] = openapi
    found[ROOT / "docs" / "operate" / "settings.md"] = settings_page()
    return found


def leftovers(wanted: dict[Path, str]) -> list[Path]:
    """Return generated files of earlier times that nobody generates any more."""
    there = [path for pattern in MADE for path in (ROOT / "protocol").glob(pattern)]
    return [path for path in there if path not in wanted]


def main() -> None:
    """Bring the files up to date, and say what changed."""
    wanted = generated()
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    for path in leftovers(wanted):
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
