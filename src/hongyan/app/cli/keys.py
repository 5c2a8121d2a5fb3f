"""``hongyan key``: API keys for app servers and bots."""

import json
import sys
import time
from typing import Annotated, cast, get_args

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from hongyan.domain.integration.commands import CreateKey, ListKeys, NewKey, RevokeKey
from hongyan.domain.integration.model import KeyInfo, Scope
from hongyan.domain.user.commands_admin import FindUser
from hongyan.kernel.ids import UserId

from .exits import EXIT_REFUSED, fail
from .operator import Operator, operate
from .options import Config, Data, settings_of
from .users import AsJson, ask

SCOPES = get_args(Scope)
keys = typer.Typer(help="Let app servers and bots in.", no_args_is_help=True)


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Seen by administrators.")],
    scopes: Annotated[
        list[str], typer.Option("--scope", help=f"May be repeated: {', '.join(SCOPES)}.")
    ],
    bot: Annotated[str, typer.Option("--bot", metavar="USER", help="The key of this bot.")] = "",
    expires_in_h: Annotated[float, typer.Option("--expires-in-h", help="Hours; 0: never.")] = 0,
    as_json: AsJson = False,
    data: Data = "",
    config: Config = None,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        fail(f"there is no scope {unknown[0]}; there are: {', '.join(SCOPES)}", EXIT_REFUSED)
    expires_at_ms = int((time.time() + expires_in_h * 3600) * 1000) if expires_in_h else 0

    async def work(operator: Operator) -> NewKey:
        user_id = (await operator.call(FindUser(identifier=bot))).user_id if bot else UserId("")
        return await operator.call(
            CreateKey(
                name=name,
                scopes=cast(tuple[Scope, ...], tuple(scopes)),
                user_id=user_id,
                expires_at_ms=expires_at_ms,
            )
        )

    made = operate(settings_of(data, config, None).settings, work)
    if as_json:
        print(json.dumps(msgspec.to_builtins(made), indent=2))
        return
    print(f"Key {made.info.key_id} for {name}; keep it, it is not shown again:", file=sys.stderr)
    print(made.key)


@keys.command("list")
def list_keys(as_json: AsJson = False, data: Data = "", config: Config = None) -> None:
    """List all keys, revoked ones too."""

    async def work(operator: Operator) -> list[KeyInfo]:
        found: list[KeyInfo] = []
        after = ""
        while True:
            page = await operator.call(ListKeys(after=after, limit=200))
            found += page.keys
            after = page.next_after
            if not after:
                return found

    found = operate(settings_of(data, config, None).settings, work)
    if as_json:
        print(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
        return
    table = Table("key id", "name", "bot", "scopes", "state", "last used", box=None, pad_edge=False)
    for key in found:
        table.add_row(
            key.key_id,
            key.name,
            key.user_id,
            " ".join(key.scopes),
            _state(key),
            _shown(key.last_used_at_ms) or "never",
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `hongyan key list` shows.")],
    data: Data = "",
    config: Config = None,
) -> None:
    """Make a key worthless at once."""
    info = ask(data, config, RevokeKey(key_id=key_id))
    print(f"The key {info.key_id} ({info.name}) is revoked.")


def _state(key: KeyInfo) -> str:
    if key.revoked_at_ms:
        return "revoked"
    if key.expires_at_ms:
        expired = key.expires_at_ms <= time.time() * 1000
        return "expired" if expired else f"until {_shown(key.expires_at_ms)}"
    return "good"


def _shown(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_ms / 1000)) if at_ms else ""
