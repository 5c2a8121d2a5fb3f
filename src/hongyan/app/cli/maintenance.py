"""``hongyan doctor``, ``backup``, ``restore``, ``stats`` and ``audit``: keeping the server."""

import asyncio
import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hongyan.app.doctor.diagnostics import Diagnostic, problem
from hongyan.app.doctor.examination import examine
from hongyan.app.export.backup import BackupFailed, Manifest, back_up
from hongyan.app.export.backup import restore as restore_from
from hongyan.app.progress import ProgressBars
from hongyan.app.settings.sections import SettingsError
from hongyan.app.settings.sources import load
from hongyan.domain.admin.commands import Act, GetStatistics, ListAudit, NoteAct, Statistics
from hongyan.kernel.ids import UserId

from .exits import EXIT_REFUSED, fail
from .operator import Operator, operate
from .options import Config, Data, Set, settings_of

app = typer.Typer()
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
MARKS = {
    "fine": ("ok", "green"),
    "note": ("note", "cyan"),
    "warning": ("warn", "yellow"),
    "problem": ("FAIL", "bold red"),
}
GOOD_ENOUGH = ("fine", "note")


def plain_console() -> Console:
    """Return where tables go: as wide as the terminal, or wide enough for programs."""
    return Console(width=None if sys.stdout.isatty() else 200)


@app.command()
def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read and compare everything; takes a while.")
    ] = False,
    as_json: AsJson = False,
    data: Data = "",
    config: Config = None,
    set_: Set = None,
) -> None:
    """Examine this installation and say what to mend. Changes nothing.

    Exit status: 0 when all is well or only notes and warnings were found, 1 with problems.
    """
    flags = [(key, value) for key, _, value in (one.partition("=") for one in set_ or ())]
    flags += [("server.data_dir", data)] if data else []
    try:
        loaded = load(os.environ, config, flags)
    except SettingsError as error:
        diagnostics = [problem("settings", str(error), "Mend or remove this setting.")]
    else:
        with ProgressBars() as progress:
            diagnostics = asyncio.run(examine(loaded, deep, progress))
    if as_json:
        print(json.dumps(msgspec.to_builtins(diagnostics), indent=2, ensure_ascii=False))
    else:
        show(diagnostics)
    raise typer.Exit(EXIT_REFUSED if any(one.level == "problem" for one in diagnostics) else 0)


def show(diagnostics: list[Diagnostic]) -> None:
    """Print diagnostics for people."""
    console = plain_console()
    for diagnostic in diagnostics:
        word, style = MARKS[diagnostic.level]
        console.print(
            Text(f"{word:>5}  ", style), Text(f"{diagnostic.check}: {diagnostic.text}"), sep=""
        )
        if diagnostic.remedy:
            console.print(Text(f"       -> {diagnostic.remedy}"))
    counts = Counter(diagnostic.level for diagnostic in diagnostics)
    problems, warnings = counts["problem"], counts["warning"]
    console.print(
        "All is well."
        if not problems + warnings
        else f"{problems} to mend now, {warnings} to mend soon."
    )


@app.command()
def backup(
    target: Annotated[
        Path, typer.Argument(metavar="DIR|FILE.tar", help="A new folder, or a new tar file.")
    ],
    data: Data = "",
    config: Config = None,
) -> None:
    """Copy everything, while the server runs, and read the copy back.

    For one machine; a cluster's database and bucket are backed up by their own means.
    """
    settings = settings_of(data, config, None).settings
    if settings.cluster.nats:
        fail("back up a cluster's PostgreSQL and its bucket by their own means", EXIT_REFUSED)
    try:
        with ProgressBars() as progress:
            manifest = back_up(settings.data_dir, config, target, progress)
    except BackupFailed as error:
        fail(str(error), EXIT_REFUSED)
    size = sum(file.bytes for file in manifest.files.values())
    noted = {"target": str(target.absolute()), "entries": manifest.entries, "bytes": size}
    operate(settings, lambda operator: operator.call(NoteAct(act="backup", params=noted)))
    print(f"Backed up to {target}: {described(manifest)}. It was read back and is whole.")
    print("It holds the server's secrets: keep it where only you can read it.")


def described(manifest: Manifest) -> str:
    """Return in words what a backup holds."""
    size = sum(file.bytes for file in manifest.files.values())
    return (
        f"{manifest.entries:,} entries of {manifest.logs:,} logs,"
        f" {len(manifest.files):,} files, {size / 1024**2:,.1f} MiB"
    )


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A backup: folder or tar file.")],
    data: Data = "",
) -> None:
    """Make a data folder from a backup; the folder must be empty or new."""
    folder = Path(data or os.environ.get("HONGYAN_SERVER__DATA_DIR", "data"))
    try:
        with ProgressBars() as progress:
            manifest = restore_from(source, folder, progress)
    except BackupFailed as error:
        fail(str(error), EXIT_REFUSED)
    made_at = datetime.fromtimestamp(manifest.created_at_ms / 1000, UTC)
    print(f"Restored {described(manifest)} into {folder}, as of {made_at:%Y-%m-%d %H:%M:%S} UTC.")
    loaded = settings_of(str(folder), None, None)
    with ProgressBars() as progress:
        examined = asyncio.run(examine(loaded, False, progress))
    # a trial beside the server that was backed up: that its address is taken says nothing here
    diagnostics = [diagnostic for diagnostic in examined if diagnostic.check != "server"]
    show([diagnostic for diagnostic in diagnostics if diagnostic.level not in GOOD_ENOUGH])
    noted = {"source": str(source.absolute()), "made_at_ms": manifest.created_at_ms}
    note = NoteAct(act="restore", params=noted)
    operate(loaded.settings, lambda operator: operator.call(note))
    raise typer.Exit(EXIT_REFUSED if any(one.level == "problem" for one in diagnostics) else 0)


@app.command()
def stats(as_json: AsJson = False, data: Data = "", config: Config = None) -> None:
    """Show how much the server is used."""
    settings = settings_of(data, config, None).settings
    found = operate(settings, lambda operator: operator.call(GetStatistics()))
    if as_json:
        print(json.dumps(msgspec.to_builtins(found), indent=2))
        return
    console = plain_console()
    console.print(_overview(found))
    console.print()
    days = Table("day (UTC)", box=None, pad_edge=False)
    for name in ("messages", "active users"):
        days.add_column(name, justify="right")
    for day in found.days:
        days.add_row(day.date, f"{day.messages:,}", f"{day.active_users:,}")
    console.print(days)


def _overview(found: Statistics) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = {
        "users": found.users,
        "active today": found.active_today,
        "active in 7 days": found.active_7_days,
        "active in 30 days": found.active_30_days,
        "connected devices": found.connected_devices,
        "messages": found.messages,
        **{f"conversations, {kind}": count for kind, count in found.conversations.items()},
    }
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    for kind, size in found.storage_bytes.items():
        table.add_row(f"storage, {kind}", f"{size / 1024**2:,.1f} MiB")
    return table


@app.command()
def audit(
    actor: Annotated[str, typer.Option("--actor", help="Only what this user id did.")] = "",
    method: Annotated[str, typer.Option("--method", help="Only this method.")] = "",
    limit: Annotated[int, typer.Option("--limit", help="At most so many; 0 for all.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    data: Data = "",
    config: Config = None,
) -> None:
    """Show what administrators and operators did, the newest first."""
    settings = settings_of(data, config, None).settings

    async def work(operator: Operator) -> list[Act]:
        found: list[Act] = []
        after = ""
        while True:
            page = await operator.call(
                ListAudit(
                    actor_id=UserId(actor) if actor else None,
                    method=method or None,
                    after=after,
                    limit=100,
                )
            )
            found += page.acts
            after = page.next_after
            if not after or (limit and len(found) >= limit):
                return found[:limit] if limit else found

    acts = operate(settings, work)
    if as_json:
        for act in acts:
            print(msgspec.json.encode(act).decode())
        return
    table = Table("no.", "time (UTC)", "who", "from", "what", "outcome", box=None, pad_edge=False)
    for act in acts:
        at = datetime.fromtimestamp(act.at_ms / 1000, UTC)
        who = f"{act.actor_id} ({act.key_id})" if act.key_id else act.actor_id
        what = Text(f"{act.method} {msgspec.json.encode(act.params).decode()}")
        table.add_row(
            str(act.number), f"{at:%Y-%m-%d %H:%M:%S}", who, act.address, what, act.outcome
        )
    plain_console().print(table)
