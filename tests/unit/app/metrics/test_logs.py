"""What the log says, and of whom."""

import json
import logging
import sys

import pytest

from hongyan.app.metrics.logs import JsonFormatter, TextFormatter
from hongyan.kernel.tracing import TRACE


def record(**extra: object) -> logging.LogRecord:
    made = logging.LogRecord("hongyan.x", logging.ERROR, "f.py", 1, "it %s", ("failed",), None)
    made.__dict__.update(extra)
    return made


def test_json_names_the_ids_that_are_known() -> None:
    told = json.loads(JsonFormatter().format(record(user="u1", connection="c1", other="x")))
    assert (told["level"], told["logger"], told["message"]) == ("error", "hongyan.x", "it failed")
    assert (told["user"], told["connection"]) == ("u1", "c1")
    assert "other" not in told
    assert "device" not in told


def test_lines_have_them_at_the_end() -> None:
    assert TextFormatter().format(record(user="u1", request=7)).endswith("[user=u1 request=7]")
    assert TextFormatter().format(record()).endswith("hongyan.x: it failed")


def test_what_is_followed_names_its_trace() -> None:
    token = TRACE.set("00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    try:
        assert json.loads(JsonFormatter().format(record()))["trace"] == "a" * 32
    finally:
        TRACE.reset(token)


def test_an_exception_comes_along() -> None:
    with pytest.raises(ValueError, match="x"):
        raise ValueError("x")
    try:
        raise ValueError("why")
    except ValueError:
        failed = record()
        failed.exc_info = sys.exc_info()
    assert "ValueError: why" in json.loads(JsonFormatter().format(failed))["exception"]
    text = TextFormatter().format(failed)
    assert "\nValueError: why" in text
