"""``hongyan user``, ``hongyan token`` and ``hongyan invite``: what an operator does."""

import getpass
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from hongyan.app.settings.sections import Settings
from hongyan.domain.user.commands_admin import (
    CancelInvite,
    CreateInvite,
    CreateResetCode,
    CreateUser,
    DeactivateUser,
    FindUser,
    KickUser,
    ListInvites,
    ListUsers,
    MintToken,
    ReactivateUser,
    SetAdmin,
    SetPassword,
)
from hongyan.domain.user.model import Account
from hongyan.kernel.bus import Command

from .exits import EXIT_REFUSED, fail
from .operator import Operator, operate
from .options import Config, Data, settings_of

Result = TypeVar("Result")

users = typer.Typer(help="Make and change accounts.", no_args_is_help=True)
tokens = typer.Typer(help="Give programs access.", no_args_is_help=True)
invites = typer.Typer(help="Let people register by invitation.", no_args_is_help=True)

Who = Annotated[
    str, typer.Argument(metavar="USER", help="Handle, e-mail address, phone number or user id.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def new_password() -> str:
    """Return a password: typed twice without echo, or one line of standard input."""
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            fail("no password came on standard input", EXIT_REFUSED)
        return password
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        fail("the two passwords differ; nothing was changed", EXIT_REFUSED)
    return password


def _settings(data: str, config: Path | None) -> Settings:
    return settings_of(data, config, None).settings


def ask(data: str, config: Path | None, command: Command[Result]) -> Result:
    """Carry out one command and return its answer."""
    return operate(_settings(data, config), lambda operator: operator.call(command))


def about(
    who: str, data: str, config: Path | None, make: Callable[[Account], Command[Any]]
) -> tuple[Account, Any]:
    """Find the account, carry out the command that is made for it, and return both."""

    async def work(operator: Operator) -> tuple[Account, Any]:
        account = await operator.call(FindUser(identifier=who))
        return account, await operator.call(make(account))

    return operate(_settings(data, config), work)


def name_of(account: Account) -> str:
    """Return how an operator knows the account."""
    return account.handle or account.email or account.phone or account.user_id


@users.command("create")
def create_user(
    handle: Annotated[str, typer.Argument(metavar="NAME", help="The handle to log in with.")],
    admin: Annotated[bool, typer.Option("--admin", help="Make it an administrator.")] = False,
    bot: Annotated[bool, typer.Option("--bot", help="Mark it as a bot.")] = False,
    name: Annotated[str, typer.Option("--name", help="The name that others see.")] = "",
    email: Annotated[str, typer.Option("--email")] = "",
    phone: Annotated[str, typer.Option("--phone", help="With country code: +86...")] = "",
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Only minted tokens can use the account.")
    ] = False,
    data: Data = "",
    config: Config = None,
) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    command = CreateUser(
        password=None if no_password else new_password(),
        handle=handle,
        email=email or None,
        phone=phone or None,
        name=name,
        admin=admin,
        bot=bot,
    )
    account = ask(data, config, command)
    kind = "administrator" if account.admin else "user"
    print(f"Made the {kind} {name_of(account)} ({account.user_id}).")


@users.command("list")
def list_users(as_json: AsJson = False, data: Data = "", config: Config = None) -> None:
    """List all accounts."""

    async def work(operator: Operator) -> list[Account]:
        found: list[Account] = []
        after = ""
        while True:
            page = await operator.call(ListUsers(after=after, limit=200))
            found += page.users
            after = page.next_after
            if not after:
                return found

    accounts = operate(_settings(data, config), work)
    if as_json:
        print(json.dumps(msgspec.to_builtins(accounts), indent=2, ensure_ascii=False))
        return
    table = Table("user id", "handle", "name", "e-mail", "state", "marks", box=None, pad_edge=False)
    for account in accounts:
        marks = [mark for mark in ("admin", "bot") if getattr(account, mark)]
        table.add_row(
            account.user_id,
            account.handle or "",
            account.name,
            account.email or "",
            account.state,
            ", ".join(marks),
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@users.command("set-password")
def set_password(who: Who, data: Data = "", config: Config = None) -> None:
    """Set a password and log the user's devices out. It is asked for, or read from stdin."""
    password = new_password()
    account, _ = about(
        who, data, config, lambda user: SetPassword(user_id=user.user_id, new_password=password)
    )
    print(f"{name_of(account)} has a new password; all devices were logged out.")


@users.command("deactivate")
def deactivate(who: Who, data: Data = "", config: Config = None) -> None:
    """Put an account to sleep and log its devices out."""
    account, _ = about(who, data, config, lambda user: DeactivateUser(user_id=user.user_id))
    print(f"{name_of(account)} is deactivated.")


@users.command("reactivate")
def reactivate(who: Who, data: Data = "", config: Config = None) -> None:
    """Wake a deactivated account."""
    account, _ = about(who, data, config, lambda user: ReactivateUser(user_id=user.user_id))
    print(f"{name_of(account)} is active again.")


@users.command("make-admin")
def make_admin(
    who: Who,
    no: Annotated[bool, typer.Option("--no", help="Take the mark away instead.")] = False,
    data: Data = "",
    config: Config = None,
) -> None:
    """Make a user an administrator."""
    account, _ = about(who, data, config, lambda user: SetAdmin(user_id=user.user_id, admin=not no))
    print(f"{name_of(account)} is {'no longer' if no else 'now'} an administrator.")


@users.command("reset-code")
def reset_code(who: Who, data: Data = "", config: Config = None) -> None:
    """Make a one-time code with which the user can set a new password."""
    account, made = about(who, data, config, lambda user: CreateResetCode(user_id=user.user_id))
    minutes = max(0, round((made.expires_at_ms - time.time() * 1000) / 60_000))
    print(f"Code for {name_of(account)}, good for {minutes} minutes:", file=sys.stderr)
    print(made.code)


@tokens.command("mint")
def mint(
    who: Who,
    device_name: Annotated[str, typer.Option("--device-name", help="Seen by the user.")] = "",
    expires_in_s: Annotated[
        int, typer.Option("--expires-in-s", help="Seconds; 0 takes the setting.")
    ] = 0,
    as_json: AsJson = False,
    data: Data = "",
    config: Config = None,
) -> None:
    """Log a new device in without a password and print its access token."""
    account, made = about(
        who,
        data,
        config,
        lambda user: MintToken(
            user_id=user.user_id, device_name=device_name, expires_in_s=expires_in_s
        ),
    )
    if as_json:
        print(json.dumps(msgspec.to_builtins(made), indent=2))
        return
    print(
        f"Access token of {name_of(account)} for {made.expires_in_s} seconds, device"
        f" {made.device_id}; --json shows the refresh token too:",
        file=sys.stderr,
    )
    print(made.access_token)


@tokens.command("revoke")
def revoke(who: Who, data: Data = "", config: Config = None) -> None:
    """Log all devices of a user out; their tokens are worth nothing from now on."""
    account, _ = about(who, data, config, lambda user: KickUser(user_id=user.user_id))
    print(f"All devices of {name_of(account)} were logged out.")


@invites.command("create")
def create_invite(
    uses: Annotated[int, typer.Option("--uses", help="How many may register with it.")] = 1,
    expires_in_h: Annotated[float, typer.Option("--expires-in-h", help="Hours; 0: never.")] = 0,
    note: Annotated[str, typer.Option("--note", help="Seen by administrators.")] = "",
    data: Data = "",
    config: Config = None,
) -> None:
    """Print a new invitation code."""
    expires_at_ms = int((time.time() + expires_in_h * 3600) * 1000) if expires_in_h else 0
    command = CreateInvite(uses=uses, expires_at_ms=expires_at_ms, note=note)
    print(ask(data, config, command).code)


@invites.command("list")
def list_invites(data: Data = "", config: Config = None) -> None:
    """List the invitations that can still be used (the first 200)."""
    page = ask(data, config, ListInvites(limit=200))
    table = Table("code", "uses left", "expires", "note", box=None, pad_edge=False)
    for invite in page.invites:
        expires = time.strftime("%Y-%m-%d %H:%M", time.localtime(invite.expires_at_ms / 1000))
        table.add_row(
            invite.code,
            str(invite.uses_left),
            expires if invite.expires_at_ms else "never",
            invite.note,
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@invites.command("revoke")
def revoke_invite(
    code: Annotated[str, typer.Argument(metavar="CODE")], data: Data = "", config: Config = None
) -> None:
    """Make an invitation worthless."""
    settings = _settings(data, config)
    operate(settings, lambda operator: operator.call(CancelInvite(code=code)))
    print("The invitation is revoked.")
