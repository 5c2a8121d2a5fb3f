"""Where the command ``hongyan`` begins: what it imports depends on what it is to be."""

import asyncio
import sys

from .cli_cluster import ROLES


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] and sys.argv[1] in ROLES:
        from .cli_cluster import app
    else:
        from .cli import app
    try:
        app()
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
