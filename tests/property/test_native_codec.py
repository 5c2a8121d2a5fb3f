"""The native codec over any bytes and any object: a round trip, or ``Malformed``."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hongyan.domain.catalog import COMMANDS
from hongyan.domain.log.model import Entry
from hongyan.domain.message.commands import SendMessage
from hongyan.wire.native.codec import (
    FORMATS,
    JSON,
    MSGPACK,
    Failure,
    Format,
    Malformed,
    Push,
    Request,
    Result,
    WireError,
)

FORMS = pytest.mark.parametrize("form", [JSON, MSGPACK], ids=lambda form: form.name)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)
IDS = st.integers(-(2**63), 2**63 - 1)


def pack(form: Format, value: Any) -> bytes:
    """Encode as an independent client would."""
    return msgspec.msgpack.encode(value) if form.binary else json.dumps(value).encode()


def unpack(form: Format, data: bytes) -> Any:
    return msgspec.msgpack.decode(data) if form.binary else json.loads(data)


@FORMS
@given(request_id=IDS, method=TEXT, params=OBJECTS)
def test_a_request_is_read_as_it_was_written(
    form: Format, request_id: int, method: str, params: dict[str, Any]
) -> None:
    data = pack(form, {"id": request_id, "method": method, "params": params, "later": 1})
    request = form.request(data)
    assert (request.id, request.method) == (request_id, method)
    assert form.params(request, dict[str, Any]) == params


@FORMS
@given(request_id=IDS)
def test_params_may_be_left_out(form: Format, request_id: int) -> None:
    request = form.request(pack(form, {"id": request_id, "method": "m"}))
    assert form.params(request, dict[str, Any]) == {}


@FORMS
@given(data=st.binary(max_size=200))
@example(b"")
@example(b"[" * 200_000)
@example(b'{"id":1,"method":"m","params":' + b'{"a":' * 100_000)
@example(b"\x91" * 200_000)
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\xc6\xff\xff\xff\xff")
@example(b'{"id":1e400,"method":"m"}')
@example(b'{"id":1,"method":"\\ud800"}')
@example(b'{"id":1,"method":"\xff"}')
@example(b"\x82\xa2id\x01\xa6method\xa1\xff")
def test_any_bytes_are_a_request_or_malformed(form: Format, data: bytes) -> None:
    try:
        request = form.request(data)
    except Malformed:
        return
    assert isinstance(request, Request)
    assert_params_decode(form, request)


@FORMS
@given(value=VALUES | OBJECTS, cut=st.integers(0, 300), flip=st.integers(0, 2**20))
def test_damaged_requests_are_requests_or_malformed(
    form: Format, value: Any, cut: int, flip: int
) -> None:
    data = bytearray(pack(form, {"id": 1, "method": "message.send", "params": value}))
    data[flip % len(data)] ^= 1 << (flip % 8)
    for damaged in (bytes(data), bytes(data[:cut])):
        try:
            request = form.request(damaged)
        except Malformed:
            continue
        assert_params_decode(form, request)


def assert_params_decode(form: Format, request: Request) -> None:
    """Decoding parameters gives the command or says what is wrong with the value."""
    for command in COMMANDS.values():
        try:
            assert isinstance(form.params(request, command), command)
        except msgspec.ValidationError:
            continue


DEEP = 20_000
TEXT_PARAMS = [
    b'{"conversation_id":"d","client_id":"c","content":{"type":"custom","name":"n","data":'
    + b'{"a":' * DEEP
    + b"1"
    + b"}" * (DEEP + 2),
    b'{"conversation_id":"\xff\xfe","client_id":"c"}',
    b'{"conversation_id":"\\ud800","client_id":"c"}',
]
BINARY_PARAMS = [
    b"\x82\xafconversation_id\xa2\xff\xfe\xa9client_id\xa1c",
    b"\x81\xa7content\x83\xa4type\xa6custom\xa4name\xa1n\xa4data" + b"\x81\xa1a" * DEEP + b"\x01",
]


@pytest.mark.parametrize("params", TEXT_PARAMS, ids=range(len(TEXT_PARAMS)))
def test_hostile_json_parameters_are_refused(params: bytes) -> None:
    data = b'{"id":1,"method":"message.send","params":' + params + b"}"
    refuses(JSON, data)


@pytest.mark.parametrize("params", BINARY_PARAMS, ids=range(len(BINARY_PARAMS)))
def test_hostile_msgpack_parameters_are_refused(params: bytes) -> None:
    data = b"\x83\xa2id\x01\xa6method\xa1m\xa6params" + params
    refuses(MSGPACK, data)


def refuses(form: Format, data: bytes) -> None:
    try:
        request = form.request(data)
    except Malformed:
        return
    with pytest.raises(msgspec.ValidationError):
        form.params(request, SendMessage)


@FORMS
@given(value=VALUES)
def test_any_parameters_fit_a_command_or_are_refused(form: Format, value: Any) -> None:
    assert_params_decode(form, form.request(pack(form, {"id": 1, "method": "m", "params": value})))


@FORMS
@given(message_id=IDS, value=OBJECTS, words=TEXT, flag=st.booleans())
def test_what_we_say_reads_alike_in_both_formats(
    form: Format, message_id: int, value: Any, words: str, flag: bool
) -> None:
    error = WireError("code", words, flag, value)
    said = unpack(form, form.encode(Failure(message_id, error)))
    expected = {"code": "code", "message": words, "retryable": flag, "details": value}
    assert said == {"id": message_id, "error": expected}
    assert unpack(form, form.encode(Result(message_id, value))) == {
        "id": message_id,
        "result": value,
    }


@FORMS
@given(body=OBJECTS, words=TEXT, number=st.integers(0, 2**62))
def test_an_entry_s_body_arrives_as_an_object(
    form: Format, body: dict[str, Any], words: str, number: int
) -> None:
    raw = msgspec.Raw(msgspec.json.encode(body))
    entry: Any = Entry(words, number, number, words, words, words, number, raw)
    said = unpack(form, form.encode(Push("entry", entry)))
    assert said["event"] == "entry"
    assert said["data"] == {
        "log_id": words,
        "seq": number,
        "ordinal": number,
        "kind": words,
        "sender": words,
        "client_id": words,
        "sent_at_ms": number,
        "body": body,
    }


def test_the_formats_are_found_by_their_subprotocols() -> None:
    assert FORMATS == {"hongyan.json": JSON, "hongyan.msgpack": MSGPACK}
