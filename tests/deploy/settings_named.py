"""The settings that files of deploy/ name as environment variables."""

import re
from pathlib import Path

from hongyan.app.settings.sources import fields

DEPLOY = Path(__file__).parents[2] / "deploy"


def unknown_settings(text: str) -> set[str]:
    """Return the variables in a text that are no settings."""
    known = {field.variable for field in fields()}
    return set(re.findall(r"HONGYAN_[A-Z0-9]+__[A-Z0-9_]+", text)) - known
