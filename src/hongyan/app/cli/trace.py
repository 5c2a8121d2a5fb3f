"""``hongyan trace``: where a message is."""

import json
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from hongyan.domain.admin.commands_tracing import (
    Traced,
    TracedDevice,
    TracedUser,
    TraceMessage,
)
from hongyan.kernel.ids import ConversationId, UserId

from .exits import EXIT_REFUSED, fail
from .maintenance import AsJson, plain_console
from .operator import operate
from .options import Config, Data, settings_of

app = typer.Typer()
Message = Annotated[
    str,
    typer.Argument(metavar="MESSAGE", help="CONVERSATION:SEQ or CONVERSATION:SENDER:CLIENT_ID"),
]


@app.command()
def trace(
    message: Message, as_json: AsJson = False, data: Data = "", config: Config = None
) -> None:
    """Tell how far a message has come: accepted, stored, routed, pushed, delivered, read."""
    command = asked(message)
    settings = settings_of(data, config, None).settings
    found = operate(settings, lambda operator: operator.call(command))
    if as_json:
        print(json.dumps(msgspec.to_builtins(found), indent=2))
        return
    console = plain_console()
    console.print(_way(found))
    console.print()
    console.print(_people(found))
    if found.is_cut:
        print(f"Only the first {len(found.users)} members are shown.")


def asked(message: str) -> TraceMessage:
    """Return the question for what the operator wrote."""
    conversation_id, _, rest = message.partition(":")
    sender, mark, client_id = rest.partition(":")
    where = ConversationId(conversation_id)
    if rest.isascii() and rest.isdigit():
        return TraceMessage(conversation_id=where, seq=int(rest))
    if not (mark and sender and client_id):
        fail(f"{message}: write CONVERSATION:SEQ or CONVERSATION:SENDER:CLIENT_ID", EXIT_REFUSED)
    return TraceMessage(conversation_id=where, sender=UserId(sender), client_id=client_id)


def _way(found: Traced) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("message", f"{found.conversation_id}:{found.seq} ({found.kind})")
    table.add_row("from", f"{found.sender}, client id {found.client_id or '-'}")
    table.add_row("accepted", _time(found.accepted_at_ms))
    table.add_row("stored", "yes")
    reached = [node for node in found.nodes if node.heard_at_ms]
    for node in reached:
        table.add_row("routed", f"{_time(node.heard_at_ms)} at {node.node}")
    if not reached:
        table.add_row("routed", "no node remembers: long ago, or the server restarted since")
    return table


def _people(found: Traced) -> Table:
    table = Table("user", "delivered", "read", "device", "pushed", box=None, pad_edge=False)
    for user in found.users:
        state = _state(user) if user.may_see else ("out of sight", "")
        who: tuple[str, str, str] = (user.user_id, *state)
        for device in user.devices:
            table.add_row(*who, device.device_id, _push(device))
            who = ("", "", "")
        if not user.devices:
            table.add_row(*who, "none", "")
    return table


def _state(user: TracedUser) -> tuple[str, str]:
    return "yes" if user.is_delivered else "not yet", "yes" if user.is_read else "not yet"


def _push(device: TracedDevice) -> str:
    if not device.pushed_at_ms:
        return f"no; seen {_time(device.seen_at_ms)}" if device.seen_at_ms else "no"
    left = "" if device.is_connected else ", has disconnected since"
    return f"{_time(device.pushed_at_ms)} by {device.node}{left}"


def _time(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
