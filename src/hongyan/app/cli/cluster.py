"""``hongyan gateway``, ``backend``, ``worker`` and ``all``: the processes of a cluster.

Each imports its own role alone: a gateway's process has no database and no rules in it.
"""

from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Annotated, Any

import typer
import uvloop

from hongyan.app.metrics.logs import configure_logging
from hongyan.app.settings.sections import Settings, SettingsError

from .exits import EXIT_REFUSED, EXIT_WRONG_SETTINGS, fail
from .options import Config, Data, Set, settings_of

app = typer.Typer(
    help="A process of a cluster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
ROLES = ("gateway", "backend", "worker", "all")
Listen = Annotated[
    str, typer.Option("--listen", metavar="HOST:PORT", help="127.0.0.1:8800 by default.")
]
Run = Callable[[Settings, Callable[[str], None]], Coroutine[Any, Any, None]]


@app.command()
def gateway(data: Data = "", listen: Listen = "", config: Config = None, set_: Set = None) -> None:
    """Hold the connections of clients: a process of a cluster, without a database."""
    _run("gateway", settings_of(data, config, set_, listen).settings)


@app.command()
def backend(data: Data = "", config: Config = None, set_: Set = None) -> None:
    """Carry out what gateways ask: a process of a cluster."""
    _run("backend", settings_of(data, config, set_).settings)


@app.command()
def worker(data: Data = "", config: Config = None, set_: Set = None) -> None:
    """Do what is done once in a cluster: scheduled messages, webhooks, statistics, clearing."""
    _run("worker", settings_of(data, config, set_).settings)


@app.command(name="all")
def all_(data: Data = "", listen: Listen = "", config: Config = None, set_: Set = None) -> None:
    """Be gateway, backend and worker of a cluster in one process."""
    _run("all", settings_of(data, config, set_, listen).settings)


def _run(role: str, settings: Settings) -> None:
    configure_logging(settings.server.log_level, settings.server.log_format)
    run: Run = import_module(f"hongyan.app.roles.{role}").run
    try:
        uvloop.run(run(settings, lambda name: print(f"{role} is ready: {name}", flush=True)))
    except SettingsError as error:
        fail(str(error), EXIT_WRONG_SETTINGS)
    except OSError as error:
        fail(f"cannot start the {role}: {error}", EXIT_REFUSED)
