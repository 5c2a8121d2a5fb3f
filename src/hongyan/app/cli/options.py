"""Flags that several commands share, and the settings that follow from them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from hongyan.app.settings.sections import SettingsError
from hongyan.app.settings.sources import Loaded, load

from .exits import EXIT_WRONG_SETTINGS, fail

Data = Annotated[
    str, typer.Option("--data", metavar="DIR", help="The data folder; ./data by default.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; hongyan.toml in the data folder."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.NAME=VALUE", help="One setting; may be repeated."),
]


def settings_of(
    data: str, config: Path | None, assignments: list[str] | None, listen: str = ""
) -> Loaded:
    """Return the settings that these flags, the environment and the file give, or exit."""
    flags = []
    for assignment in assignments or ():
        key, mark, value = assignment.partition("=")
        if not mark:
            fail(f"--set {assignment}: write it as section.name=value", EXIT_WRONG_SETTINGS)
        flags.append((key.strip(), value.strip()))
    flags += [("server.data_dir", data)] if data else []
    flags += [("server.listen", listen)] if listen else []
    try:
        return load(os.environ, config, flags)
    except SettingsError as error:
        fail(str(error), EXIT_WRONG_SETTINGS)
