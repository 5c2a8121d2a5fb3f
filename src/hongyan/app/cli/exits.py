"""Exit codes of the command line."""

import sys
from typing import NoReturn

import typer

EXIT_REFUSED = 1
EXIT_WRONG_SETTINGS = 2
EXIT_IN_USE = 3


def fail(sentence: str, code: int) -> NoReturn:
    """Say what is wrong on standard error and exit."""
    print(f"hongyan: {sentence}", file=sys.stderr)
    raise typer.Exit(code)
