"""``hongyan export``: a user's own chats, or a conversation for compliance."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any, Literal

import asyncpg
import typer
import uvloop

from hongyan.app.composition.objects import open_objects
from hongyan.app.export.exporter import Exporter, ExportFailed, ExportSource
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.app.settings.sections import Settings
from hongyan.domain.admin.commands import NoteAct
from hongyan.domain.catalog import ROWS
from hongyan.domain.user.commands_admin import FindUser
from hongyan.domain.user.model import Account
from hongyan.infra.postgres.snapshot import PostgresSnapshot
from hongyan.infra.sqlite.snapshot import SqliteSnapshot
from hongyan.kernel.clock import SystemClock
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import ConversationId

from .exits import EXIT_REFUSED, fail
from .operator import Operator, operate
from .options import Config, Data, settings_of

app = typer.Typer(help="Write chats to files that anybody can read.", no_args_is_help=True)
Target = Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")]
Language = Annotated[
    Literal["auto", "en", "zh"], typer.Option("--language", help="Of the labels on the pages.")
]
Work = Callable[[Exporter], Coroutine[Any, Any, int]]


@app.command("user")
def export_user(
    who: Annotated[
        str, typer.Argument(metavar="USER", help="Handle, e-mail address, number or user id.")
    ],
    target: Target,
    language: Language = "auto",
    data: Data = "",
    config: Config = None,
) -> None:
    """Export a user's own chats: only what that user may see."""
    settings = settings_of(data, config, None).settings
    _check(target)

    async def announce(operator: Operator) -> Account:
        account = await operator.call(FindUser(identifier=who))
        params = {"user_id": account.user_id, "target": str(target.absolute())}
        await operator.call(NoteAct(act="export.user", params=params))
        return account

    account = operate(settings, announce)
    tongue = language if language != "auto" else "zh" if account.locale[:2] == "zh" else "en"
    count = _export(settings, target, tongue, lambda exporter: exporter.user(account.user_id))
    print(f"Exported {count} conversations to {target}; open {target / 'index.html'}")


@app.command("conversation")
def export_conversation(
    conversation_id: Annotated[str, typer.Argument(metavar="ID")],
    target: Target,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; it is noted in the audit log.")
    ] = "",
    language: Language = "auto",
    data: Data = "",
    config: Config = None,
) -> None:
    """Export a whole conversation for compliance; the audit log tells that you did."""
    settings = settings_of(data, config, None).settings
    _check(target)
    params = {"conversation_id": conversation_id, "target": str(target.absolute())}
    note = NoteAct(act="export.conversation", params=params | {"reason": reason})
    operate(settings, lambda operator: operator.call(note))
    tongue = "en" if language == "auto" else language
    exported = ConversationId(conversation_id)
    count = _export(settings, target, tongue, lambda exporter: exporter.conversation(exported))
    print(f"Exported {count:,} messages to {target}; open {target / 'index.html'}")


def _check(target: Path) -> None:
    if target.exists():
        fail(f"{target} exists already; name a new folder", EXIT_REFUSED)


def _export(settings: Settings, target: Path, language: str, work: Work) -> int:
    async def main() -> int:
        async with _snapshot(settings) as snapshot:
            objects = open_objects(settings, SystemClock()).objects
            with ProgressBars() as progress:
                return await work(Exporter(snapshot, objects, target, language, progress))

    try:
        return uvloop.run(main())
    except (ExportFailed, Refusal, OSError, asyncpg.PostgresError) as error:
        fail(f"nothing was exported: {error}", EXIT_REFUSED)


def _snapshot(settings: Settings) -> AbstractAsyncContextManager[ExportSource]:
    """Return what is exported: of a cluster's database, where the settings name one."""
    if settings.cluster.nats:
        return PostgresSnapshot(settings.cluster.postgres, ROWS)
    return SqliteSnapshot(settings.data_dir / DATABASE, ROWS)
