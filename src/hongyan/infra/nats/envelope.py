"""Envelopes on the bus: the calls and answers of one turn of the event loop together.

MessagePack, arrays instead of names. A command's parameters are MessagePack as well; an answer
is JSON, because that is what entries hold and what most clients read: a gateway hands it on
without looking into it.
"""

from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from hongyan.kernel.bus import Actor, Command
from hongyan.wire.native.codec import WireError

Who = tuple[str, str, bool, str, str, tuple[str, ...], str]
"""The fields of an ``Actor``."""


class Call(Struct, frozen=True, array_like=True):
    """One command on its way to who handles it."""

    number: int
    """Counts this caller's calls; the same number is the same call, sent again."""
    method: str
    who: Who
    params: Raw
    expires_in_ms: int
    """After so long nobody waits for the answer any more."""
    trace: str = ""
    """The traceparent of a call that is followed; empty for most."""


class Calls(Struct, frozen=True, array_like=True):
    """Calls of one caller to one backend, in the order in which they are to begin."""

    caller: str
    floor: int
    """Smaller numbers are done with: nobody will ask for their answers again."""
    calls: list[Call]


class CallAnswer(Struct, frozen=True, array_like=True):
    """The result of a call: JSON, or an error."""

    number: int
    result: bytes
    error: WireError | None = None


class Answers(Struct, frozen=True, array_like=True):
    """Answers of one backend to one caller."""

    answers: list[CallAnswer]


encode = msgspec.msgpack.Encoder().encode
encode_json = msgspec.json.Encoder().encode
decode_calls = msgspec.msgpack.Decoder(Calls).decode
decode_answers = msgspec.msgpack.Decoder(Answers).decode


def who_of(actor: Actor) -> Who:
    """Return an actor as it travels."""
    return (
        actor.user_id,
        actor.device_id,
        actor.admin,
        actor.address,
        actor.key_id,
        actor.scopes,
        actor.connection_id,
    )


def actor_of(who: Who) -> Actor:
    """Return the actor that travelled."""
    return Actor(*who)  # type: ignore[arg-type]


@cache
def params_decoder(command: type[Command[Any]]) -> msgspec.msgpack.Decoder[Any]:
    """Return what reads this command's parameters."""
    return msgspec.msgpack.Decoder(command)


@cache
def result_decoder(command: type[Command[Any]]) -> msgspec.json.Decoder[Any]:
    """Return what reads this command's answers."""
    return msgspec.json.Decoder(command.result_type())
