import pytest
from msgspec import Raw

from hongyan_sdk.errors import ProtocolError
from hongyan_sdk.wire import Push, Request, Response, decode, encode, read


def test_request_is_one_json_object() -> None:
    assert encode(Request(7, "ping", {})) == '{"id":7,"method":"ping","params":{}}'


def test_result_error_and_push() -> None:
    result = decode('{"id":1,"result":{"seq":2}}')
    assert isinstance(result, Response)
    assert read(result.result, dict[str, int]) == {"seq": 2}
    refused = decode('{"id":1,"error":{"code":"muted","message":"No.","retryable":false}}')
    assert isinstance(refused, Response)
    assert refused.error is not None
    assert refused.error.code == "muted"
    assert decode('{"event":"reconnect","data":{"after_ms":5}}') == Push(
        "reconnect", Raw(b'{"after_ms":5}')
    )


def test_a_null_result_is_a_result() -> None:
    assert decode('{"id":3,"result":null}') == Response(3, Raw(b"null"))


def test_unknown_fields_are_left_out() -> None:
    assert isinstance(decode('{"event":"x","data":1,"new":[]}'), Push)


@pytest.mark.parametrize("message", ["", "[]", "{}", '{"id":1}', '{"id":"a","result":1}', b"\xff"])
def test_nonsense(message: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(message)
