"""``hongyan move``: from one machine to a cluster."""

from typing import Annotated

import asyncpg
import typer
import uvloop

from hongyan.app.composition.objects import open_target
from hongyan.app.export.move import Moved, MoveFailed
from hongyan.app.export.move import move as run_move
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.app.settings.sections import SettingsError
from hongyan.infra.local.folder import FolderInUse, FolderLock

from .exits import EXIT_IN_USE, EXIT_REFUSED, EXIT_WRONG_SETTINGS, fail
from .options import Config, Data, Set, settings_of

app = typer.Typer()


@app.command()
def move(
    to: Annotated[str, typer.Option("--to", metavar="postgresql://...", help="An empty database.")],
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew where a move was not finished.")
    ] = False,
    data: Data = "",
    config: Config = None,
    set_: Set = None,
) -> None:
    """Move the data of a stopped server to PostgreSQL, and check by hashes that all is there.

    Where the settings choose a bucket ([objects] store = "s3"), the files go there as well, also
    when the data was moved before.
    When it is interrupted, run it again: it goes on. The data folder is left as it is.
    """
    settings = settings_of(data, config, set_).settings
    folder = settings.data_dir
    if not (folder / DATABASE).exists():
        fail(f"{folder} holds no database; name the data folder with --data", EXIT_REFUSED)
    try:
        bucket = open_target(settings)
        with FolderLock(folder), ProgressBars() as progress:
            moved = uvloop.run(run_move(folder / DATABASE, to, restart, bucket, progress))
    except FolderInUse:
        fail(f"a server works on {folder}; stop it first", EXIT_IN_USE)
    except SettingsError as error:
        fail(str(error), EXIT_WRONG_SETTINGS)
    except MoveFailed as error:
        fail(str(error), EXIT_REFUSED)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        fail(f"the database does not take it: {error}; run this again, it goes on", EXIT_REFUSED)
    described(moved)


def described(moved: Moved) -> None:
    """Print what was moved and what is left to do."""
    if moved.tables:
        rows = sum(table.rows for table in moved.tables) - moved.entries - moved.logs
        print(f"Moved {moved.entries:,} entries of {moved.logs:,} logs and {rows:,} rows.")
        print("Both sides have the same hashes.")
    else:
        print("The data was moved before.")
    if moved.files is None:
        print("The files stayed. A cluster needs a bucket: run this again with [objects] settings.")
    else:
        print(f"{moved.files:,} files are in the bucket.")
    print("Start the cluster; do not start a server on the old data folder any more.")
    print("Its devices log in again with their refresh tokens, unnoticed by their users.")
