"""Whether every command, and its answer, can go over the bus."""

import msgspec
import pytest
from msgspec import Raw

from hongyan.domain.catalog import COMMANDS
from hongyan.domain.conversation.commands import GetHistory
from hongyan.domain.message.commands import SendMessage
from hongyan.infra.nats.envelope import (
    Call,
    Calls,
    actor_of,
    decode_calls,
    encode,
    params_decoder,
    result_decoder,
    who_of,
)
from hongyan.kernel.bus import Actor


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_parameters_and_the_answer_can_be_read(command):
    assert params_decoder(command)
    assert result_decoder(command)


def test_a_call_arrives_as_it_was_made():
    actor = Actor("anna", "v1", True, "10.0.0.1", "k1", ("a", "b"), "k9")
    content = {"type": "custom", "name": "x", "data": {"deep": [1, 2.5, None, "雁", {"a": True}]}}
    params = {"conversation_id": "g1", "client_id": "c", "content": content}
    command = msgspec.convert(params, SendMessage)
    call = Call(7, command.METHOD, who_of(actor), Raw(encode(command)), 900)
    calls = decode_calls(encode(Calls("me", 3, [call, call])))
    assert (calls.caller, calls.floor, len(calls.calls)) == ("me", 3, 2)
    assert actor_of(calls.calls[1].who) == actor
    assert params_decoder(SendMessage).decode(calls.calls[1].params) == command


def test_the_bodies_of_entries_stay_json():
    entry = {
        "log_id": "g1",
        "seq": 1,
        "ordinal": 1,
        "kind": "message",
        "sender": "anna",
        "client_id": "",
        "sent_at_ms": 1,
        "body": {"content": {"type": "text", "text": "雁"}},
    }
    page = {
        "entries": [entry],
        "from_seq": 1,
        "to_seq": 1,
        "more_before": False,
        "more_after": False,
    }
    found = result_decoder(GetHistory).decode(msgspec.json.encode(page))
    assert msgspec.json.decode(found.entries[0].body) == entry["body"]
