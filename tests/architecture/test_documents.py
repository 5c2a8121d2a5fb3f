"""What is made from the code is fresh, and what it says of the code is so."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from hongyan.access.native import session
from hongyan.access.native.description.asyncapi import asyncapi
from hongyan.access.native.description.catalogue import entry_kinds, methods, refusals
from hongyan.domain.catalog import COMMANDS

ROOT = Path(__file__).parents[2]
ASYNCAPI = Path(__file__).parent / "node/node_modules/@asyncapi/specs/schemas/3.0.0.json"
SCHEMAS = sorted((ROOT / "protocol" / "schemas").glob("*.json"))


def _generator() -> ModuleType:
    path = ROOT / "tools" / "generate_protocol.py"
    spec = importlib.util.spec_from_file_location("generate_protocol", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_fresh() -> None:
    generator = _generator()
    wanted: dict[Path, str] = generator.generated()
    stale = [
        str(path.relative_to(ROOT))
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make docs`"
    assert generator.leftovers(wanted) == [], "run `make docs`"


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schemas_are_schemas(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert _dangling(schema) == []


def test_schemas_judge_messages() -> None:
    schema = json.loads((ROOT / "protocol/schemas/message.send.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    content = {"type": "text", "text": "hello"}
    params = {"conversation_id": "g" + "a" * 16, "client_id": "1", "content": content}
    assert validator.is_valid({"params": params})
    assert not validator.is_valid({"params": params | {"sender": "somebody"}})
    assert not validator.is_valid({"params": params | {"content": {"type": "nothing"}}})


def _dangling(document: dict[str, Any]) -> list[str]:
    """Return the references in the document that lead nowhere."""
    lost: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                place: Any = document
                for part in reference.removeprefix("#/").split("/"):
                    place = place.get(part) if isinstance(place, dict) else None
                if place is None:
                    lost.append(reference)
            for child in node.values():
                visit(child)
        elif isinstance(node, list):
            for child in node:
                visit(child)

    visit(document)
    return lost


def test_asyncapi_holds_together() -> None:
    """The rules of AsyncAPI 3.0 that its parts must keep among themselves."""
    document = json.loads(json.dumps(asyncapi(methods(COMMANDS)), default=str))
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert _dangling(document) == []
    channel = document["channels"]["ws"]
    assert channel["address"] == "/ws"
    for name, operation in document["operations"].items():
        assert operation["action"] in {"send", "receive"}, name
        assert operation["channel"] == {"$ref": "#/channels/ws"}
        told = [*operation["messages"], *operation.get("reply", {}).get("messages", [])]
        for message in told:
            place, _, message_name = message["$ref"].rpartition("/")
            assert place == "#/channels/ws/messages", name
            assert message_name in channel["messages"], name
    asked = {name for name, of in document["operations"].items() if of["action"] == "receive"}
    assert asked == {method.name for method in methods(COMMANDS)}
    for message in document["components"]["messages"].values():
        jsonschema.Draft202012Validator.check_schema(message["payload"])


def test_asyncapi_keeps_to_its_own_schema() -> None:
    if not ASYNCAPI.exists():
        pytest.skip("npm's @asyncapi/specs is not installed; `make test` installs it")
    schema = json.loads(ASYNCAPI.read_text(encoding="utf-8"))
    document = json.loads((ROOT / "protocol" / "asyncapi.json").read_text(encoding="utf-8"))
    errors = jsonschema.Draft7Validator(schema).iter_errors(document)
    assert [(list(error.absolute_path), error.message[:200]) for error in errors] == []


def test_every_command_is_explained() -> None:
    assert [method.name for method in methods(COMMANDS) if not method.text] == []


def test_every_refusal_is_in_the_table() -> None:
    page = (ROOT / "protocol" / "errors.md").read_text(encoding="utf-8")
    assert {kind.code for kind in refusals()} == set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE))


def test_every_kind_of_entry_tells_its_body() -> None:
    unexplained = [kind.name for kind in entry_kinds() if not kind.text and kind.body is None]
    assert unexplained == []


def test_every_close_code_is_in_the_protocol() -> None:
    page = (ROOT / "protocol" / "README.md").read_text(encoding="utf-8")
    codes = {value for name, value in vars(session).items() if name.startswith("CLOSE_")}
    assert len(codes) > 5
    assert [code for code in sorted(codes) if f"| {code} " not in page] == []


def test_locks_name_every_dependency_and_no_address() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[^\w-]", line)[0].lower() for line in project["dependencies"]}
    locks = {path.name: path.read_text() for path in (ROOT / "requirements").glob("*.txt")}
    assert set(locks) == {"build.txt", "node.txt", "run.txt", "test.txt", "traces.txt"}
    locked = set(re.findall(r"^([\w-]+)==", locks["run.txt"], re.MULTILINE))
    assert wanted - locked == set(), "run `make lock`"
    for name, text in locks.items():
        assert "://" not in text, name
        pinned = re.findall(r"^[\w-]+==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^[\w-]+==", text, re.MULTILINE)), name
