"""The stores of the terminal client: one file for each account on each server."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hongyan_sdk.accounts import http_url
from hongyan_sdk.client import Client
from hongyan_sdk.store import Store


class Accounts:
    """The accounts that this machine's user has logged in with.

    Args:
        folder: Where the stores are; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def known(self, url: str) -> list[str]:
        """Return the identifiers with a store for this server, the latest used first."""
        suffix = f"@{_host(url)}.db"
        found = sorted(self._folder.glob(f"*{suffix}"), key=lambda path: -path.stat().st_mtime)
        return [path.name.removesuffix(suffix) for path in found]

    def store(self, url: str, identifier: str) -> Store:
        """Open the account's store; nobody else may read it.

        Raises:
            StoreInUse: another process has it open.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^\w.+@-]", "_", identifier.lower())
        path = self._folder / f"{name}@{_host(url)}.db"
        path.touch(mode=0o600)
        return Store(path)

    def client(
        self, url: str, identifier: str, password: str, *, is_new: bool = False, **more: Any
    ) -> Client:
        """Return a client that logs in, or makes the account, where the store has no tokens.

        Raises:
            StoreInUse: another process has the store open.
        """
        store = self.store(url, identifier)
        if is_new:
            return Client.register(url, identifier.lower(), password, store, **more)
        return Client.login(url, identifier.lower(), password, store)


def _host(url: str) -> str:
    return re.sub(r"[^\w.-]", "_", urlsplit(http_url(url)).netloc)
