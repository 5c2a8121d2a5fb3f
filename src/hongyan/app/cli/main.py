"""The entry point of ``hongyan``: imports no more than the role needs."""

import asyncio
import sys

from .cluster import ROLES


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] and sys.argv[1] in ROLES:
        from .cluster import app
    else:
        from .root import app
    try:
        app()
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
