"""How a command of the command line ends when it cannot do what it was asked."""

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
