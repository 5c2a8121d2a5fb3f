"""``hongyan readers``: how far the readers of the logs are, and what they could not handle."""

import json
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from hongyan.domain.admin.commands_readers import (
    ListReaders,
    ReaderStates,
    RebuildReader,
    RetryPassed,
)

from .maintenance import AsJson, plain_console
from .operator import operate
from .options import Config, Data, settings_of

readers = typer.Typer(
    help="See how far the readers of the logs are, and let them try again.", no_args_is_help=True
)


@readers.command("list")
def list_(as_json: AsJson = False, data: Data = "", config: Config = None) -> None:
    """Show all readers, and what they passed over."""
    settings = settings_of(data, config, None).settings
    found = operate(settings, lambda operator: operator.call(ListReaders()))
    if as_json:
        print(json.dumps(msgspec.to_builtins(found), indent=2))
    else:
        show(found)


def show(found: ReaderStates) -> None:
    """Print readers for people."""
    console = plain_console()
    table = Table("reader", "behind", "for", "progress", box=None, pad_edge=False)
    for one in found.readers:
        behind, late = f"{one.entries:,}", f"{one.seconds:,.0f} s"
        table.add_row(one.name, behind, late, f"{one.progress:.1%}")
    console.print(table)
    if not found.passed:
        return
    passed = Table("reader", "no.", "entry", "kind", "tries", "error", box=None, pad_edge=False)
    for row in found.passed:
        entry = f"{row.log_id} {row.seq}"
        passed.add_row(row.reader, str(row.number), entry, row.kind, str(row.tries), row.error)
    console.print()
    console.print(passed)


@readers.command()
def retry(
    reader: Annotated[str, typer.Argument(metavar="READER", help="As hongyan readers list says.")],
    number: Annotated[int, typer.Option("--number", help="Only this one; 0 for all.")] = 0,
    data: Data = "",
    config: Config = None,
) -> None:
    """Let a reader try again what it passed over."""
    settings = settings_of(data, config, None).settings
    operate(settings, lambda operator: operator.call(RetryPassed(reader=reader, number=number)))
    print(f"{reader} tries again as soon as it runs; see hongyan readers list.")


@readers.command()
def rebuild(
    reader: Annotated[str, typer.Argument(metavar="READER", help="Without the number of a part.")],
    data: Data = "",
    config: Config = None,
) -> None:
    """Take away what a reader made, and let it begin anew with the first entry."""
    settings = settings_of(data, config, None).settings
    operate(settings, lambda operator: operator.call(RebuildReader(name=reader)))
    print(f"{reader} begins anew as soon as it runs; hongyan readers list tells how far it is.")
