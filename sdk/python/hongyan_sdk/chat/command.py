"""The command line of ``hongyan chat``."""

import argparse
import asyncio
import getpass
import os
import sys
from pathlib import Path

from hongyan_sdk.errors import HongyanError, Refused

from .accounts import Accounts
from .plain import follow, list_conversations, read, send

DEFAULT_URL = "http://127.0.0.1:8800"
PASSWORD_VARIABLE = "HONGYAN_PASSWORD"

EXIT_REFUSED = 1
EXIT_USAGE = 2


def main(args: list[str] | None = None) -> int:
    """Run the terminal client and return the exit code.

    Without a mode it is a full-screen program; with one it prints plain lines, for scripts.
    """
    options = parser().parse_args(args)
    accounts = Accounts(options.data)
    try:
        if options.send or options.list or options.read is not None or options.follow:
            return asyncio.run(_plain(options, accounts))
    except Refused as refused:
        return _fail(refused.message or refused.code)
    except HongyanError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    from .app import ChatApp

    ChatApp(accounts, options.url, options.identifier).run()
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser("hongyan chat", description="Chat in this terminal.")
    made.add_argument("--url", default=os.environ.get("HONGYAN_URL", DEFAULT_URL), help="server")
    made.add_argument(
        "--data", type=Path, default=_default_folder(), metavar="DIR", help="local stores"
    )
    made.add_argument(
        "--as",
        dest="identifier",
        default="",
        metavar="HANDLE",
        help=f"who you are; the password is asked for, or taken from {PASSWORD_VARIABLE}",
    )
    made.add_argument("--register", action="store_true", help="make the account first")
    modes = made.add_argument_group("plain output, for scripts").add_mutually_exclusive_group()
    modes.add_argument("--list", action="store_true", help="list conversations")
    modes.add_argument("--send", nargs=2, metavar=("WHO", "TEXT"), help="send to a handle or group")
    modes.add_argument(
        "--read", nargs="?", const="", metavar="WHO", help="print what is unread, and mark it read"
    )
    modes.add_argument("--follow", action="store_true", help="print messages as they come")
    return made


async def _plain(options: argparse.Namespace, accounts: Accounts) -> int:
    identifier = options.identifier or next(iter(accounts.known(options.url)), "")
    if not identifier:
        return _fail("say who you are with --as HANDLE", EXIT_USAGE)
    is_new = options.register
    password = ""
    if is_new or identifier.lower() not in accounts.known(options.url):
        password = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass("Password: ")
    client = accounts.client(options.url, identifier, password, is_new=is_new)
    messages = client.messages()  # open before it connects: what comes meanwhile is not missed
    async with client:
        if options.send:
            await send(client, *options.send)
        elif options.list:
            list_conversations(client)
        elif options.follow:
            await follow(client, messages)
        else:
            await read(client, options.read)
    return 0


def _default_folder() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "hongyan"


def _fail(sentence: str, code: int = EXIT_REFUSED) -> int:
    print(f"hongyan chat: {sentence}", file=sys.stderr)
    return code
