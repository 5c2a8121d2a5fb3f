"""``hongyan demo``: filling a server."""

import time
from typing import Annotated

import typer
import uvloop
from rich.table import Table

from hongyan.access.admission import OPERATOR
from hongyan.app.demo.demo import Demo, DemoClock, DemoReport
from hongyan.app.demo.files import DemoFiles
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import Embedded
from hongyan.app.settings.sections import Settings, SettingsError, prepare_data_dir
from hongyan.domain.admin.commands import NoteAct
from hongyan.domain.user.model import User
from hongyan.infra.local.folder import FolderInUse, FolderLock
from hongyan.runtime.catching_up import catch_up

from .exits import EXIT_IN_USE, EXIT_REFUSED, EXIT_WRONG_SETTINGS, fail
from .maintenance import plain_console
from .options import Config, Data, settings_of

app = typer.Typer()


@app.command()
def demo(
    people: Annotated[int, typer.Option("--people", min=2, max=10_000)] = 10,
    messages: Annotated[int, typer.Option("--messages", min=0, max=10_000_000)] = 300,
    seed: Annotated[int, typer.Option("--seed", help="The same seed says the same.")] = 1,
    force: Annotated[
        bool, typer.Option("--force", help="Even where there are users already.")
    ] = False,
    data: Data = "",
    config: Config = None,
) -> None:
    """Fill a new server with people who have been chatting, in Chinese and English."""
    settings = settings_of(data, config, None).settings
    began = time.monotonic()
    try:
        prepare_data_dir(settings.data_dir)
        with FolderLock(settings.data_dir), ProgressBars() as progress:
            report = uvloop.run(fill(settings, people, messages, seed, force, progress))
    except FolderInUse:
        text = f"a server works on {settings.data_dir}; stop it, fill the folder, start it again"
        fail(text, EXIT_IN_USE)
    except SettingsError as error:
        fail(str(error), EXIT_WRONG_SETTINGS)
    if report is None:
        text = "there are users here already; choose a new folder with --data, or use --force"
        fail(text, EXIT_REFUSED)
    show(report, time.monotonic() - began)


async def fill(
    settings: Settings, people: int, messages: int, seed: int, force: bool, progress: ProgressBars
) -> DemoReport | None:
    """Fill the data folder, whose lock is held; return None where somebody is there already."""
    clock = DemoClock()
    embedded = await Embedded.open(settings, clock)
    try:
        store, caller = embedded.store, embedded.caller
        if not force and await store.count(User):
            return None
        now_ms = time.time_ns() // 1_000_000
        media = embedded.services.media
        files = DemoFiles(caller, media.bytes.staging, media.processing.run)
        made = Demo(caller, store, store, clock, files, seed, now_ms)
        report = await made.fill(people, messages, progress)
        noted = {"people": people, "messages": messages, "seed": seed}
        await caller.call(OPERATOR, NoteAct(act="demo", params=noted))
        await _count(embedded, progress)
        return report
    finally:
        await embedded.close()


async def _count(embedded: Embedded, progress: ProgressBars) -> None:
    """Let the statistics catch up, so that the server starts with nothing to do."""
    report, done = progress.stage("statistics"), await embedded.store.end()
    await catch_up(embedded.store, embedded.services.counting.reader, embedded.clock)
    report(done, done)


def show(report: DemoReport, took_s: float) -> None:
    """Print who can log in."""
    table = Table("handle", "name", "password", box=None, pad_edge=False)
    for person in report.people:
        if person.password is not None:
            table.add_row(person.handle, person.name, person.password)
    console = plain_console()
    console.print(table)
    more = sum(person.password is None for person in report.people)
    if more:
        print(f"{more} more have no password; give them one with: hongyan user set-password")
    print(
        f"{len(report.people)} people, {report.conversations} conversations,"
        f" {report.messages:,} messages, {report.reactions:,} reactions in {took_s:.1f} s."
        " The passwords are not shown again."
    )
