"""``hongyan migrate``: the steps of an upgrade of a cluster's database."""

from typing import Annotated

import asyncpg
import typer
import uvloop

from hongyan.domain.catalog import ROWS
from hongyan.infra.postgres.connections import close, connect
from hongyan.infra.postgres.migrate import Phase, renew_generation
from hongyan.infra.postgres.migrate import migrate as run_steps

from .exits import EXIT_REFUSED, EXIT_WRONG_SETTINGS, fail
from .options import Config, Data, Set, settings_of

app = typer.Typer()


@app.command()
def migrate(
    finish: Annotated[
        bool,
        typer.Option("--finish", help="Also take away what only the release before needed."),
    ] = False,
    restored: Annotated[
        bool,
        typer.Option(
            "--restored",
            help="The database was put back to an earlier time where it is: devices begin anew.",
        ),
    ] = False,
    data: Data = "",
    config: Config = None,
    set_: Set = None,
) -> None:
    """Bring a cluster's database to what this release needs.

    Backends do this by themselves when they start; only --finish is left to you, once no server
    of the release before runs any more. A dump that was restored elsewhere is noticed; after a
    recovery to a point in time, say --restored before you start the servers.
    """
    dsn = settings_of(data, config, set_).settings.cluster.postgres
    if not dsn:
        fail("cluster.postgres is empty; name the database", EXIT_WRONG_SETTINGS)
    phases: tuple[Phase, ...] = ("pre", "post") if finish else ("pre",)
    try:
        done = uvloop.run(_run(dsn, phases, restored))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        fail(f"the database was not brought up to date: {error}", EXIT_REFUSED)
    print("\n".join(done) if done else "No steps were left to do.")


async def _run(dsn: str, phases: tuple[Phase, ...], restored: bool) -> list[str]:
    connection = await connect(dsn, "hongyan migrate")
    try:
        done = await run_steps(connection, ROWS, phases)
        if restored:
            await renew_generation(connection)
        return done
    finally:
        await close(connection)
