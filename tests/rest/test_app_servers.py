"""An app server at a real server: keys and scopes, users, imports, retries, bots."""

import asyncio
import json
import subprocess

import httpx
import pytest
import websockets

from tests.e2e.live_server import HONGYAN

pytestmark = pytest.mark.xdist_group("rest")
ADMIN_PATHS = ("/admin/users", "/admin/keys", "/admin/audit")


def hongyan(folder, *arguments):
    command = [str(HONGYAN), *arguments, "--data", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def api(served):
    """Return a client with a key of these scopes."""
    made = []

    def client(*scopes, **headers):
        options = [part for scope in scopes for part in ("--scope", scope)]
        key = hongyan(served.folder, "key", "create", "tests", *options)
        headers["authorization"] = f"Bearer {key}"
        made.append(httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, timeout=60))
        return made[-1]

    yield client
    for one in made:
        one.close()


def test_a_key_does_what_its_scopes_say_and_no_more(api):
    reader = api("users:read")
    refused = reader.put("/app/users/kim", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert refused.json()["details"] == {"needs": "users:write"}
    writer = api("users:write")
    assert writer.put("/app/users/kim", json={"name": "Kim"}).json()["outcome"] == "created"
    assert reader.get("/app/users/kim").json()["profile"]["name"] == "Kim"
    assert writer.get("/app/users/kim").status_code == 403
    for path in ADMIN_PATHS[1:]:
        assert reader.get(path).json()["code"] == "not_for_keys"
    wrong = reader.headers["authorization"][:-1] + "!"
    answer = reader.get("/app/users/kim", headers={"authorization": wrong})
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_invalid")


def test_a_key_acts_for_users_and_never_for_their_power(api, served):
    shop = api("users:read", "users:write", "messages:read")
    for one in ("ann", "ben"):
        shop.put(f"/app/users/{one}", json={"name": one})
    assert shop.get("/me").json()["code"] == "on_behalf_of_needed"
    ann = shop.get("/me", headers={"hongyan-on-behalf-of": "ann"}).json()
    assert ann["name"] == "ann"
    by_user_id = shop.get("/me", headers={"hongyan-on-behalf-of": ann["user_id"]})
    assert by_user_id.json() == ann
    nobody = shop.get("/me", headers={"hongyan-on-behalf-of": "nobody"})
    assert (nobody.status_code, nobody.json()["code"]) == (400, "on_behalf_of_unknown")
    as_ann = {"hongyan-on-behalf-of": "ann"}
    assert shop.get("/admin/users", headers=as_ann).status_code == 403
    assert shop.post("/sync/poll", json={}, headers=as_ann).status_code == 403
    hongyan(served.folder, "user", "deactivate", ann["user_id"])
    assert shop.get("/me", headers=as_ann).json()["code"] == "on_behalf_of_unknown"


def test_a_revoked_key_is_worthless_at_once(api, served):
    client = api("users:read")
    assert client.get("/app/users/none").status_code == 404
    key_id = client.headers["authorization"].split("_")[1]
    hongyan(served.folder, "key", "revoke", key_id)
    assert client.get("/app/users/none").status_code == 401
    (listed,) = [
        key
        for key in json.loads(hongyan(served.folder, "key", "list", "--json"))
        if key["key_id"] == key_id
    ]
    assert listed["revoked_at_ms"] > 0
    assert listed["last_used_at_ms"] > 0


def test_an_upsert_says_what_it_did_and_leaves_the_rest(api):
    shop = api("users:read", "users:write")
    told = [
        shop.put("/app/users/a%2Fb", json=body).json()["outcome"]
        for body in ({"name": "A", "email": "a@b.example"}, {"name": "A"}, {"bio": "x"}, {})
    ]
    assert told == ["created", "unchanged", "changed", "unchanged"]
    found = shop.get("/app/users/a%2Fb").json()
    assert (found["external_id"], found["profile"]["bio"]) == ("a/b", "x")
    taken = shop.put("/app/users/other", json={"email": "a@b.example"})
    assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")


def test_silent_log_in(api, served):
    shop = api("users:write", "tokens:mint")
    shop.put("/app/users/lee", json={"name": "Lee"})
    tokens = shop.post("/app/users/lee/tokens", json={"platform": "android"}).json()
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    assert httpx.get(f"{served.url}/api/v1/me", headers=headers).json()["name"] == "Lee"
    assert shop.post("/app/users/nobody/tokens", json={}).status_code == 404


def test_a_repeated_post_is_answered_alike(api):
    shop = api("users:write", "conversations:write")
    shop.put("/app/users/max", json={})
    headers = {"hongyan-on-behalf-of": "max", "idempotency-key": '"made-once"'}
    group = shop.post("/groups", json={"name": "G"}, headers=headers).json()
    again = shop.post("/groups", json={"name": "G"}, headers=headers).json()
    assert group == again  # by its client_id
    path = f"/groups/{group['info']['group']['conversation_id']}/links"
    first = shop.post(path, json={"uses_max": 3}, headers=headers)
    second = shop.post(path, json={"uses_max": 3}, headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    other = shop.post(path, json={"uses_max": 4}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert len(shop.post("/me/delete", json={}, headers=headers).json()["code"]) > 0


def test_pages_name_the_next_one(api):
    shop = api("users:write", "conversations:read", "conversations:write")
    shop.put("/app/users/page", json={})
    headers = {"hongyan-on-behalf-of": "page"}
    for number in range(3):
        body = {"name": f"G{number}", "client_id": f"page-{number}"}
        assert shop.post("/groups", json=body, headers=headers).status_code == 200
    path, seen = "/groups?limit=2", []
    while path:
        answer = shop.get(path.removeprefix("/api/v1"), headers=headers)
        seen += [one["group"]["name"] for one in answer.json()["groups"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert sorted(seen) == ["G0", "G1", "G2"]


def test_notices_of_a_system_account(api):
    shop = api("users:write", "messages:send", "messages:read", "conversations:read")
    shop.put("/app/users/pat", json={})
    shop.put("/app/users/notices", json={"name": "Orders", "bot": True})
    body = {
        "account": "notices",
        "client_id": "n-1",
        "content": {"type": "text", "text": "It is on its way."},
    }
    ack = shop.post("/app/users/pat/notices", json=body).json()
    assert shop.post("/app/users/pat/notices", json=body).json() == ack
    headers = {"hongyan-on-behalf-of": "pat"}
    (conversation,) = shop.get("/conversations", headers=headers).json()["conversations"]
    assert conversation["kind"] == "system"
    assert conversation["unread"] == 1
    person = {**body, "account": "pat"}
    assert shop.post("/app/users/pat/notices", json=person).json()["code"] == "not_a_bot"


async def test_a_bot_receives_by_websocket_and_is_cut_with_its_key(api, served):
    shop = api("users:write", "bots", "messages:send", "messages:read", "conversations:read")
    made = shop.post("/app/bots", json={"external_id": "echo", "name": "Echo"}).json()
    url = served.url.replace("http", "ws", 1) + "/ws"
    async with websockets.connect(url, subprotocols=["hongyan.json"]) as socket:

        async def ask(number, method, params):
            await socket.send(json.dumps({"id": number, "method": method, "params": params}))
            while "id" not in (answer := json.loads(await socket.recv())):
                pass
            return answer

        hello = await ask(1, "hello", {"token": made["key"]["key"]})
        assert hello["result"]["user_id"] == made["user_id"]
        assert "result" in await ask(2, "conversation.list", {})
        refused = await ask(3, "group.create", {"client_id": "1", "name": "G"})
        assert refused["error"]["code"] == "scope_missing"
        refused = await ask(4, "key.list", {})
        assert refused["error"]["code"] == "not_for_keys"
        await asyncio.to_thread(
            hongyan, served.folder, "key", "revoke", made["key"]["info"]["key_id"]
        )
        await asyncio.wait_for(socket.wait_closed(), 10)


async def test_a_bot_receives_by_long_poll_and_by_stream(api):
    scopes = ("users:write", "conversations:write", "conversations:read", "messages:read")
    shop = api("bots", "messages:send", *scopes)
    shop.put("/app/users/poll-a", json={})
    bot = shop.post("/app/bots", json={"external_id": "poll-bot", "name": "P"}).json()
    group = {"external_id": "poll", "name": "P", "owner": "poll-a", "members": ["poll-bot"]}
    made = shop.post("/app/conversations", json=group)
    assert made.status_code == 200, made.text
    where = made.json()["conversation_id"]

    async def say(text):
        body = {"content": {"type": "text", "text": text}, "client_id": text}
        headers = {"hongyan-on-behalf-of": "poll-a"}
        path = f"/conversations/{where}/messages"
        said = await asyncio.to_thread(shop.post, path, json=body, headers=headers)
        return said.json()["seq"]

    headers = {"authorization": f"Bearer {bot['key']['key']}"}
    async with httpx.AsyncClient(base_url=shop.base_url, headers=headers, timeout=30) as robot:
        first = (await robot.post("/sync/poll", json={"timeout_s": 0})).json()["synced"]
        (place,) = first["conversations"]
        known = {where: max(entry["seq"] for entry in place["entries"])}
        asked = {"known": known, "user_seq": first["user_seq"], "timeout_s": 20}
        waiting = asyncio.create_task(robot.post("/sync/poll", json=asked))
        seq = await say("while it waits")
        (news,) = (await waiting).json()["synced"]["conversations"]
        assert [entry["seq"] for entry in news["entries"]] == [seq]
        async with robot.stream("GET", "/sync/stream") as stream:
            lines = stream.aiter_lines()
            while await anext(lines) != "event: ready":
                pass
            seq = await say("as it streams")
            while await anext(lines) != "event: entry":
                pass
            assert json.loads((await anext(lines)).removeprefix("data: "))["seq"] == seq


def upload(client, data, **headers):
    announced = {"tus-resumable": "1.0.0", "upload-length": str(len(data)), **headers}
    octets = {"content-type": "application/offset+octet-stream"}
    return client.post("/uploads", headers=announced | octets, content=data)


def test_keys_send_and_fetch_files(api, served):
    shop = api(
        "users:write",
        "bots",
        "messages:send",
        "messages:read",
        "conversations:write",
        "conversations:read",
    )
    for name in ("files-a", "files-b", "files-c"):
        shop.put(f"/app/users/{name}", json={})
    bot = shop.post("/app/bots", json={"external_id": "files-bot", "name": "F"}).json()
    people = {"owner": "files-a", "members": ["files-b", "files-bot"]}
    group = {"external_id": "files", "name": "Files", **people}
    made = shop.post("/app/conversations", json=group)
    assert made.status_code == 200, made.text
    where = made.json()["conversation_id"]
    messages = f"/conversations/{where}/messages"

    assert upload(shop, b"nobody's").json()["code"] == "on_behalf_of_needed"
    someone = {"hongyan-on-behalf-of": "files-a"}
    media_id = upload(shop, b"an invoice", **someone).headers["upload-media-id"]
    content = {"type": "file", "media_id": media_id}
    shown = shop.post(messages, json={"client_id": "f1", "content": content}, headers=someone)
    assert shown.status_code == 200, shown.text

    with httpx.Client(
        base_url=shop.base_url, headers={"authorization": f"Bearer {bot['key']['key']}"}
    ) as robot:
        assert robot.get(f"/media/{media_id}").content == b"an invoice"
        made = upload(robot, b"a chart")
        assert made.status_code == 201, made.text
        chart = made.headers["upload-media-id"]
        body = {"client_id": "f2", "content": {"type": "file", "media_id": chart}}
        assert robot.post(messages, json=body).status_code == 200
    for name, status in (("files-b", 200), ("files-c", 404)):
        got = shop.get(f"/media/{chart}", headers={"hongyan-on-behalf-of": name})
        assert got.status_code == status
    reader = api("messages:read")
    assert upload(reader, b"no", **someone).json()["code"] == "scope_missing"
    assert reader.get(f"/media/{chart}", headers=someone).content == b"a chart"


async def test_ten_thousand_users_with_a_break_in_the_middle(api):
    shop = api("users:write", "users:read")
    count, cut = 10_000, 4_000
    lines = [json.dumps({"external_id": f"i{n}", "name": f"N {n}"}).encode() for n in range(count)]
    lines[7] = b'{"external_id": "i7", "name": 7}'
    lines[9] = b"no json"

    async def breaking():
        for line in lines[:cut]:
            yield line + b"\n"
        yield lines[cut][:10]
        await asyncio.sleep(1)
        raise ConnectionError

    kind = {"content-type": "application/x-ndjson"}
    async with httpx.AsyncClient(
        base_url=shop.base_url, headers=dict(shop.headers) | kind, timeout=90
    ) as client:
        with pytest.raises(ConnectionError):
            await client.post("/app/users", content=breaking())
        assert shop.get("/app/users/i50").status_code == 200
        assert shop.get(f"/app/users/i{count - 1}").status_code == 404
        answer = await client.post("/app/users", content=b"\n".join(lines))
    reports = [json.loads(line) for line in answer.text.splitlines()]
    *told, summary = reports
    assert [one["line"] for one in told] == list(range(1, count + 1))
    assert (told[7]["code"], told[9]["code"]) == ("invalid", "invalid")
    assert summary["done"] is True
    assert (summary["failed"], summary["lines"]) == (2, count)
    assert summary["unchanged"] >= 50
    assert summary["created"] + summary["unchanged"] == count - 2
    again = shop.post("/app/users?first_line=501", content=b"\n".join(lines[500:600]), headers=kind)
    first, *_, summary = [json.loads(line) for line in again.text.splitlines()]
    assert (first["line"], summary["unchanged"]) == (501, 100)
