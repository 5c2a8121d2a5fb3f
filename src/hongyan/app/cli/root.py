"""The command ``hongyan``."""

import os
import shutil
import sys
import webbrowser
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from hongyan.app.metrics.logs import configure_logging
from hongyan.app.roles.embedded import serve as run_server
from hongyan.app.settings.page import shown
from hongyan.app.settings.sections import Settings, SettingsError, prepare_data_dir
from hongyan.app.settings.sources import fields
from hongyan.infra.local.folder import FolderInUse, FolderLock

from .cluster import app as clustering
from .demo import app as filling
from .exits import EXIT_IN_USE, EXIT_REFUSED, EXIT_WRONG_SETTINGS, fail
from .export import app as exporting
from .keys import keys
from .maintenance import app as keeping
from .migrate import app as migrating
from .move import app as moving
from .options import Config, Data, Set, settings_of
from .readers import readers
from .trace import app as tracing
from .users import invites, tokens, users

DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY")

app = typer.Typer(
    name="hongyan",
    help="A self-hosted instant-messaging server, and its operator's tools.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(clustering)
app.add_typer(keeping)
app.add_typer(moving)
app.add_typer(migrating)
app.add_typer(tracing)
app.add_typer(filling)
app.add_typer(exporting, name="export")
app.add_typer(users, name="user")
app.add_typer(keys, name="key")
app.add_typer(readers, name="readers")
app.add_typer(tokens, name="token")
app.add_typer(invites, name="invite")


@app.command()
def serve(
    data: Data = "",
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="127.0.0.1:8800 by default.")
    ] = "",
    config: Config = None,
    set_: Set = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Show it in the browser, where there is a desktop.")
    ] = False,
) -> None:
    """Run the server until it is asked to stop (Ctrl-C or SIGTERM)."""
    settings = settings_of(data, config, set_, listen).settings

    def ready(url: str) -> None:
        welcome(url, settings)
        if open_ and any(os.environ.get(name) for name in DESKTOPS):
            webbrowser.open(url)

    configure_logging(settings.server.log_level, settings.server.log_format)
    try:
        prepare_data_dir(settings.data_dir)
        with FolderLock(settings.data_dir):
            uvloop.run(run_server(settings, ready))
    except FolderInUse:
        fail(f"another process works on {settings.data_dir} already", EXIT_IN_USE)
    except SettingsError as error:
        fail(str(error), EXIT_WRONG_SETTINGS)
    except OSError as error:
        fail(f"cannot serve on {settings.server.listen}: {error}", EXIT_REFUSED)


def welcome(url: str, settings: Settings) -> None:
    """Say where the server is and what to do next."""
    me = command_name()
    folder = "" if settings.server.data_dir == "data" else f" --data {settings.server.data_dir}"
    print(f"Hongyan {version_of('hongyan')} is ready: {url}")
    print(f"Data folder: {settings.data_dir.resolve()}")
    print(f"Registration: {settings.users.registration}")
    print("In another terminal,")
    print(f"  make an administrator:  {me} user create NAME --admin{folder}")
    print(f"  chat:                   {me} chat --url {url}", flush=True)


def command_name() -> str:
    """Return how the user calls this program."""
    called = Path(sys.argv[0])
    found = shutil.which("hongyan")
    if called.name != "hongyan" or (found and Path(found).resolve() == called.resolve()):
        return "hongyan"
    return os.path.relpath(called)


@app.command()
def settings(data: Data = "", config: Config = None, set_: Set = None) -> None:
    """Print the settings in effect and where each came from."""
    loaded = settings_of(data, config, set_)
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for field in fields():
        value = getattr(getattr(loaded.settings, field.section), field.name)
        masked = '"********"' if field.secret and value else shown(value)
        table.add_row(field.dotted, masked, loaded.origins[field.key])
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def chat(context: typer.Context) -> None:
    """Chat in this terminal; ``hongyan chat --help`` tells its options."""
    try:
        from hongyan_sdk.chat import main as chat_main
    except ImportError as error:
        fail(f"the terminal client is not installed ({error})", EXIT_REFUSED)
    raise typer.Exit(chat_main(context.args) or 0)


@app.command()
def version() -> None:
    """Print the version."""
    print(version_of("hongyan"))
