"""Commands x actors x protocols: one table says who may, and every protocol agrees with it.

The table follows from a command's access level and scope. Accounts, devices and keys are made,
changed and taken away by the services themselves; what is admitted comes to a caller that notes
it, so that also *as whom* it was asked is looked at.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import msgspec
import pytest

from hongyan.access.admission import OPERATOR
from hongyan.access.control.server import ControlServer
from hongyan.access.http.app import create_app
from hongyan.access.http.examples import EXAMPLES
from hongyan.access.http.files import Files
from hongyan.access.http.operations import operations
from hongyan.access.http.routes import ROUTES
from hongyan.access.http.tus import Tus, TusOptions
from hongyan.domain.catalog import COMMANDS
from hongyan.domain.integration.commands import RevokeKey
from hongyan.domain.integration.scopes import SCOPES, WIDGET_METHODS
from hongyan.domain.user.commands_admin import DeactivateUser, KickUser, SetAdmin
from hongyan.kernel.bus import Access

MINE = ("messages:send", "messages:read")


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, and what the table must know of them."""

    name: str
    before: str = "token"
    """What is made for them."""
    then: str = ""
    """What happens once they are connected."""
    code: str = ""
    """Why nothing at all is for them; empty where something is."""
    admin: bool = False
    scopes: tuple[str, ...] | None = None
    """What their key may do; None for those who have none."""
    is_widget: bool = False
    is_app: bool = False
    """Whether it is an app server's key, which has no connection."""
    on_behalf_of: str = ""
    is_stranger: bool = False


LOST, NO_KEY = "unauthenticated", "api_key_invalid"
WHO = [
    Who(name="anonymous", before="", code=LOST, is_stranger=True),
    Who(name="user"),
    Who(name="admin", before="admin", admin=True),
    Who(name="demoted", before="admin", then="demote"),
    Who(name="promoted", then="promote", admin=True),
    Who(name="deactivated", then="deactivate", code=LOST),
    Who(name="kicked", then="kick", code=LOST),
    Who(name="widget", before="widget", is_widget=True),
    Who(name="widget, kicked", before="widget", then="kick", code=LOST),
    Who(name="bot", before="bot", scopes=tuple(sorted(set(SCOPES.values())))),
    Who(name="bot, narrow", before="bot", scopes=MINE),
    Who(name="bot, deactivated", before="bot", scopes=MINE, then="deactivate", code=NO_KEY),
    Who(name="bot, key revoked", before="bot", scopes=MINE, then="revoke", code=NO_KEY),
    Who(name="bot, key expired", before="bot", scopes=MINE, then="expire", code=NO_KEY),
    Who(name="app", before="app", scopes=("users:write", "bots"), admin=True, is_app=True),
    Who(name="app, revoked", before="app", scopes=MINE, then="revoke", code=NO_KEY, is_app=True),
    Who(name="app for ann", before="app", scopes=MINE, is_app=True, on_behalf_of="ann"),
    Who(
        name="app for ann, deactivated",
        before="app",
        scopes=MINE,
        is_app=True,
        on_behalf_of="ann",
        then="deactivate",
        code="on_behalf_of_unknown",
    ),
    Who(name="admin for ann", before="admin", on_behalf_of="ann", code="invalid"),
]
CONNECTED = [who for who in WHO if not who.is_app and not who.on_behalf_of]


def expected(command, who):
    """Return the code of the refusal, empty where there is none."""
    if who is OPERATOR:
        return "" if command.ACCESS in (Access.ADMIN, Access.INTERNAL) else "unknown_method"
    if command.ACCESS == Access.INTERNAL:
        return "unknown_method"
    if command.ACCESS == Access.ANYONE:
        return ""
    if who.code:
        return who.code
    if who.is_widget and command.METHOD not in WIDGET_METHODS:
        return "not_for_widgets"
    if who.scopes is not None:
        needs = SCOPES.get(command.METHOD)
        if needs is None:
            return "not_for_keys"
        if needs not in who.scopes:
            return "scope_missing"
        if command.ACCESS == Access.USER and who.admin:
            return "on_behalf_of_needed"
    return "forbidden" if command.ACCESS == Access.ADMIN and not who.admin else ""


def table(who, commands=COMMANDS):
    return {method: expected(command, who) for method, command in commands.items()}


def wanted_actor(who):
    """Return as whom commands are to come: the user, whether as an administrator, by a key."""
    user_id = "system" if who.is_app and not who.on_behalf_of else "ann"
    return user_id, who.admin, who.scopes is not None


async def made(harness, who):
    """Return the token or key of somebody who was made."""
    await harness.user("ann", admin=who.before == "admin", bot=who.before == "bot")
    if who.before == "widget":
        return SimpleNamespace(token=await harness.widget_token("ann"), key_id="")
    if who.before in ("bot", "app"):
        lives_ms = 60_000 if who.then == "expire" else 0
        made = await harness.key(who.scopes, "ann" if who.before == "bot" else "", lives_ms)
        return SimpleNamespace(token=made.key, key_id=made.info.key_id)
    return SimpleNamespace(token=await harness.token("ann") if who.before else "", key_id="")


async def happens(harness, who, one):
    """Let happen what happens once they are connected."""
    if who.then == "expire":
        harness.clock.advance(60_000)
        return
    command = {
        "": None,
        "demote": SetAdmin(user_id="ann", admin=False),
        "promote": SetAdmin(user_id="ann", admin=True),
        "deactivate": DeactivateUser(user_id="ann"),
        "kick": KickUser(user_id="ann"),
        "revoke": RevokeKey(key_id=one.key_id),
    }[who.then]
    if command is not None:
        await harness.do(command)


def came_as(harness, who, method):
    """Check as whom the last command came, and forget it."""
    (command, actor) = harness.asked.pop()
    assert method == command.METHOD
    if COMMANDS[method].ACCESS != Access.ANYONE:
        assert (actor.user_id, actor.admin, bool(actor.key_id)) == wanted_actor(who), method


@pytest.mark.parametrize("who", CONNECTED, ids=lambda who: who.name)
async def test_on_a_websocket(harness, who):
    one, line = await made(harness, who), harness.line()
    if one.token:
        assert await line.ask("hello", {"token": one.token}) == ""
    await happens(harness, who, one)
    found = {}
    for method in COMMANDS:
        found[method] = await line.ask(method, EXAMPLES.get(method))
        if not found[method]:
            came_as(harness, who, method)
    assert found == table(who)
    assert harness.asked == []


@pytest.mark.parametrize("who", [who for who in WHO if who.is_app], ids=lambda who: who.name)
async def test_an_app_servers_key_has_no_websocket(harness, who):
    one, line = await made(harness, who), harness.line()
    assert await line.ask("hello", {"token": one.token}) == "forbidden"


class Http:
    """The HTTP application with uploads and downloads, called without any network."""

    def __init__(self, harness):
        routes = (
            *Tus(harness.admission, None, TusOptions()).routes(),
            *Files(harness.admission, None).routes(),
        )
        self.app = create_app(harness.admission, routes=routes)

    async def ask(self, verb, path, headers: Mapping[str, str], body=b"") -> tuple[int, str]:
        """Return the status and the code of the problem; empty where there is none."""
        target, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": verb,
            "scheme": "http",
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.7", 1),
            "server": ("chat.example.org", 80),
        }
        status, said, incoming = 0, b"", [body]

        async def receive():
            if incoming:
                return {"type": "http.request", "body": incoming.pop(), "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message):
            nonlocal status, said
            status = message.get("status", status)
            said += message.get("body", b"")

        await self.app(scope, receive, send)
        is_refused = status >= 400
        return status, msgspec.json.decode(said)["code"] if is_refused else ""


def headers_of(who, one):
    headers = {"content-type": "application/json"}
    if one.token:
        headers["authorization"] = f"Bearer {one.token}"
    if who.on_behalf_of:
        headers["hongyan-on-behalf-of"] = who.on_behalf_of
    return headers


def request_of(operation):
    """Return the path with its query, and the body, of the operation's example."""
    values = dict(EXAMPLES[operation.method])
    path = operation.full_path
    for field in operation.path_fields:
        path = path.replace(f"{{{field.name}}}", quote(str(values.pop(field.name)), safe=""))
    if operation.verb not in ("GET", "DELETE"):
        return path, msgspec.json.encode(values)
    query = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in values.items()
    }
    return f"{path}?{urlencode(query, doseq=True)}" if query else path, b""


@pytest.mark.parametrize("who", WHO, ids=lambda who: who.name)
async def test_over_rest(harness, who):
    one, http = await made(harness, who), Http(harness)
    await happens(harness, who, one)
    found, there = {}, operations(COMMANDS, ROUTES)
    for operation in there:
        path, body = request_of(operation)
        status, code = await http.ask(operation.verb, path, headers_of(who, one), body)
        found[operation.method] = code
        assert status < 500, (operation.method, status)
        if not code:
            came_as(harness, who, operation.method)
    assert found == table(who, {one.method: one.command for one in there})
    public = {name for name, one in COMMANDS.items() if one.ACCESS != Access.INTERNAL}
    assert found.keys() == public, "what is internal has no path"


OTHERS = {
    "conversation.sync": [("POST", "/api/v1/sync/poll", {}, b'{"timeout_s": 0}')],
    "app.user_upsert": [
        ("POST", "/api/v1/app/users", {"content-type": "application/x-ndjson"}, b"")
    ],
    "media.claim": [
        ("POST", "/api/v1/uploads", {"tus-resumable": "1.0.0", "upload-length": "5"}, b"")
    ],
    "media.get": [("HEAD", "/api/v1/media/m1", {}, b"")],
}
"""Paths with a way of their own, by the command whose rights they need."""


@pytest.mark.parametrize("who", WHO, ids=lambda who: who.name)
async def test_over_streams_uploads_and_downloads(harness, who):
    one, http = await made(harness, who), Http(harness)
    await happens(harness, who, one)
    for method, requests in OTHERS.items():
        wanted = expected(COMMANDS[method], who)
        if method == "conversation.sync" and who.is_app:
            wanted = wanted or "forbidden"  # a stream is a device's
        for verb, path, more, body in requests:
            headers = headers_of(who, one) | more
            status, code = await http.ask(verb, path, headers, body)
            assert (status < 400, code) == (not wanted, wanted), path
    _, code = await http.ask("GET", "/api/v1/sync/stream", headers_of(who, one))
    wanted = expected(COMMANDS["conversation.sync"], who)
    assert code == (wanted or ("forbidden" if who.is_app else ""))


SAID_BY_SERVICES = {"invalid", "unauthenticated", "api_key_invalid"}


async def test_on_the_operators_socket(harness):
    control = ControlServer(harness.admission)
    found = {}
    for method in COMMANDS:
        params = msgspec.Raw(msgspec.json.encode(EXAMPLES.get(method, {})))
        line = msgspec.json.encode({"method": method, "params": params})
        answer = await control._answer(line)
        found[method] = answer.error.code if answer.error else ""
        if not found[method]:
            _, actor = harness.asked.pop() if harness.asked else (None, OPERATOR)
            assert actor is OPERATOR
        elif expected(COMMANDS[method], OPERATOR) == "" and found[method] in SAID_BY_SERVICES:
            found[method] = ""  # it was admitted; there is no example of its parameters
    assert found == table(OPERATOR)
