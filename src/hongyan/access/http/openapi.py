"""The OpenAPI 3.1 description of the REST API, made from the commands and their routes."""

import functools
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET
from msgspec.structs import FieldInfo

import hongyan
from hongyan.access.admission.rights import is_for_anyone
from hongyan.access.native.description.catalogue import in_codes, refusals, text_of
from hongyan.access.native.description.schemas import Schema, components
from hongyan.domain.catalog import COMMANDS
from hongyan.domain.integration.commands import HookUnavailable, RefusedByHook
from hongyan.domain.integration.scopes import SCOPES
from hongyan.kernel.bus import Access, Command
from hongyan.kernel.docstrings import field_texts
from hongyan.kernel.errors import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    RateLimited,
    Refusal,
    StorageFull,
    Unauthenticated,
)

from .errors import (
    PROBLEM_TYPE,
    BodyTooLarge,
    BodyTooSlow,
    NotJson,
    Problem,
    status_of,
)
from .examples import EXAMPLES
from .openapi_extra import EXTRA, streams
from .operations import CLIENT_ID, Operation, default_of, is_list, operations
from .routes import NEVER_STORED, ROUTES

TEMPLATE = "#/components/schemas/{name}"
DESCRIPTION = """\
The commands of the native protocol, one path each. A bearer token is either a device's access
token (from `user.log_in`) or an API key (`hy_...`, from `key.create`). An app server's key acts
for the user whom the header `Hongyan-On-Behalf-Of` names by external id or user id.

A POST with an `Idempotency-Key` can be repeated: where the body has a `client_id`, the key stands
in for it and is good for ever; elsewhere the first answer is kept for a day.

Lists have `limit` and `after`; the next page is named in the header `Link` (`rel="next"`).
Refusals are problem details (RFC 9457); programs look at `code`.
"""


@functools.cache
def openapi_json() -> bytes:
    """Return the document as the server offers it."""
    return msgspec.json.encode(document(COMMANDS))


def document(commands: Mapping[str, type[Command[Any]]]) -> Schema:
    """Return the description of every command that has a route."""
    found = operations(commands, ROUTES)
    types: list[Any] = [Problem]
    for operation in found:
        types += [field.type for field in _parameters_of(operation)]
        types += [operation.body] if operation.body is not None else []
        types.append(operation.command.result_type())
    types += [kind for _, kind in EXTRA]
    schemas, named = components(types, TEMPLATE)
    schemas = schemas[1:]
    paths: dict[str, Schema] = {}
    for operation in found:
        count = len(_parameters_of(operation))
        parameters, schemas = schemas[:count], schemas[count:]
        body = None
        if operation.body is not None:
            body, schemas = schemas[0], schemas[1:]
            _explain_body(operation, named)
        described = _operation(operation, parameters, body, schemas[0])
        schemas = schemas[1:]
        paths.setdefault(operation.full_path, {})[operation.verb.lower()] = described
    extra = dict(zip([name for name, _ in EXTRA], schemas, strict=True))
    for path, verb, described in streams(extra):
        described["responses"] |= _problems(described.pop("refusals"))
        paths.setdefault(path, {})[verb] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hongyan's REST API",
            "version": hongyan.__version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server"}],
        "tags": [{"name": name} for name in sorted({one.method.split(".")[0] for one in found})],
        "paths": paths,
        "components": {"schemas": named, "securitySchemes": _security_schemes()},
    }


def _operation(
    operation: Operation, parameters: Sequence[Schema], body: Schema | None, result: Schema
) -> Schema:
    text = text_of(operation.command)
    summary, _, rest = text.partition("\n")
    described: Schema = {
        "operationId": operation.method,
        "tags": [operation.method.split(".")[0]],
        "summary": summary,
        "description": rest.partition("Refuses with:")[0].strip() or summary,
        "parameters": [
            *_parameters(operation, parameters),
            *_headers(operation),
        ],
        "responses": {
            "200": _answer(result, is_list_of(operation)),
            **_problems(_refusals_of(operation)),
        },
        "security": _security(operation.command),
    }
    if operation.method in SCOPES:
        described["x-scope"] = SCOPES[operation.method]
    if body is not None:
        content: Schema = {"schema": body}
        example = _body_example(operation)
        if example is not None:
            content["example"] = example
        described["requestBody"] = {
            "required": operation.has_required_body,
            "content": {"application/json": content},
        }
    return described


def _parameters_of(operation: Operation) -> list[FieldInfo]:
    return [*operation.path_fields, *operation.query_fields.values()]


def _parameters(operation: Operation, schemas: Sequence[Schema]) -> list[Schema]:
    texts = field_texts(operation.command)
    example = EXAMPLES.get(operation.method, {})
    found = []
    for field, schema in zip(_parameters_of(operation), schemas, strict=True):
        in_path = field in operation.path_fields
        default = default_of(field)
        parameter: Schema = {
            "name": field.name,
            "in": "path" if in_path else "query",
            "required": in_path or field.required,
            "schema": _plain(schema, in_path),
        }
        if field.name in texts:
            parameter["description"] = in_codes(texts[field.name])
        if default is not NODEFAULT and default is not UNSET and default is not None:
            parameter["schema"] = {**parameter["schema"], "default": default}
        if field.name in example:
            parameter["example"] = example[field.name]
        if is_list(field):
            parameter |= {"style": "form", "explode": True}
        found.append(parameter)
    return found


def _plain(schema: Schema, in_path: bool) -> Schema:
    """Return the schema as a text in a URL can fulfil it: without null, and never empty there."""
    if "anyOf" in schema:
        rest = [one for one in schema["anyOf"] if one != {"type": "null"}]
        return rest[0] if len(rest) == 1 else {"anyOf": rest}
    if in_path and schema == {"type": "string"}:
        return {"type": "string", "minLength": 1}
    return schema


def _headers(operation: Operation) -> list[Schema]:
    found = []
    text: Schema = {"type": "string", "maxLength": 255, "pattern": "^[ -~]*$"}
    if operation.verb == "POST" and operation.method not in NEVER_STORED:
        about = "Makes a repetition harmless."
        if operation.takes_client_id:
            about = "Stands in for a missing `client_id`."
        schema = {**text, "minLength": 1, "pattern": "^[!-~]+$"}
        found.append(_header("Idempotency-Key", schema, about))
    if operation.command.ACCESS == Access.USER and operation.method in SCOPES:
        about = "With an app server's key: for which user it acts, by external id or user id."
        found.append(_header("Hongyan-On-Behalf-Of", text, about))
    return found


def _header(name: str, schema: Schema, about: str) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": schema,
        "description": about,
    }


def _body_example(operation: Operation) -> Schema | None:
    example = EXAMPLES.get(operation.method)
    if example is None:
        return None
    names = {field.name for field in operation.body_fields}
    return {name: value for name, value in example.items() if name in names}


def _explain_body(operation: Operation, named: dict[str, Schema]) -> None:
    """Give the body's fields their texts and defaults, which the command declares."""
    assert operation.body is not None
    schema = named[operation.body.__name__]
    schema.pop("description", None)
    schema["additionalProperties"] = False
    texts = field_texts(operation.command)
    for field in operation.body_fields:
        of = schema["properties"][field.name]
        if field.name in texts:
            of["description"] = in_codes(texts[field.name])
        default = default_of(field)
        if default is not NODEFAULT and default is not UNSET:
            of["default"] = msgspec.to_builtins(default)
        if field.name == CLIENT_ID:
            of |= {"minLength": 1, "maxLength": 64}


def is_list_of(operation: Operation) -> bool:
    """Return whether the operation answers with pages."""
    return operation.verb == "GET" and "after" in operation.query_fields


def _answer(result: Schema, has_pages: bool) -> Schema:
    answer: Schema = {"description": "Done.", "content": {"application/json": {"schema": result}}}
    if has_pages:
        about = "The next page, if there is one (RFC 8288)."
        answer["headers"] = {"Link": {"description": about, "schema": {"type": "string"}}}
    return answer


def _refusals_of(operation: Operation) -> set[type[Refusal]]:
    """Return what the server and the command refuse with."""
    known = {kind.__name__: kind for kind in refusals()}
    text = inspect.getdoc(operation.command) or ""
    raises = text.partition("Raises:")[2]
    found = {known[name] for name in re.findall(r"\b[A-Z]\w+\b", raises) if name in known}
    found |= {Invalid, LimitReached, RateLimited, Busy}
    if operation.command.ACCESS != Access.ANYONE:
        found |= {Unauthenticated, Forbidden}
    if operation.verb not in ("GET", "DELETE"):
        found |= {BodyTooLarge, BodyTooSlow, NotJson}
    if operation.verb != "GET":
        found |= {StorageFull, NotFound}
    if operation.path_fields:
        found.add(NotFound)
    if operation.method == "message.send":
        found |= {RefusedByHook, HookUnavailable}
    if operation.verb == "POST" and not is_for_anyone(operation.command):
        found.add(Conflict)
    return found


def _problems(kinds: set[type[Refusal]]) -> Schema:
    """Return the answers to what is refused, by status."""
    by_status: dict[int, list[type[Refusal]]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.code):
        by_status.setdefault(status_of(kind), []).append(kind)
    content = {PROBLEM_TYPE: {"schema": {"$ref": TEMPLATE.format(name="Problem")}}}
    return {
        str(int(status)): {
            "description": "\n".join(f"`{kind.code}`: {kind.message}" for kind in of_status),
            "content": content,
        }
        for status, of_status in sorted(by_status.items())
    }


def _security(command: type[Command[Any]]) -> list[Schema]:
    if command.ACCESS == Access.ANYONE:
        return []
    found: list[Schema] = [{"accessToken": []}]
    return [*found, {"apiKey": []}] if command.METHOD in SCOPES else found


def _security_schemes() -> Schema:
    return {
        "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A device's access token, from `user.log_in` or `app.mint_token`.",
        },
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "hy_...",
            "description": "An API key with the operation's scope (`x-scope`).",
        },
    }
