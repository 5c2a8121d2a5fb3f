"""The operator's commands on a cluster: what is wrong with it, and people's chats as files."""

import asyncio
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hongyan.domain.admin.commands import NoteAct
from tests.cluster.live_cluster import LiveCluster, opened_cluster
from tests.cluster.load import make_people

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with opened_cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


async def test_chats_are_exported_with_their_files(cluster: LiveCluster, tmp_path: Path) -> None:
    (person,) = await make_people(cluster.url, 1, secrets.token_hex(3))
    data = os.urandom(100_000)
    mine = {"authorization": f"Bearer {person.token}"}
    whole = {
        "tus-resumable": "1.0.0",
        "upload-length": str(len(data)),
        "content-type": "application/offset+octet-stream",
    }
    async with httpx.AsyncClient(base_url=f"{cluster.url}/api/v1", timeout=60) as http:
        made = await http.post("/uploads", headers=mine | whole, content=data)
        file = {"type": "file", "media_id": made.headers["upload-media-id"]}
        opened = await http.post("/conversations/self", headers=mine, json={})
        host = opened.json()["conversation_id"]
        for number, content in enumerate(({"type": "text", "text": "大雁"}, file)):
            message = {"client_id": f"e{number}", "content": content}
            sent = await http.post(f"/conversations/{host}/messages", headers=mine, json=message)
            assert sent.status_code == 200, sent.text
    target = tmp_path / "export"
    told = await asyncio.to_thread(cluster.operate, "export", "user", person.user_id, str(target))
    assert "Exported 1 conversations" in told
    lines = (target / "conversations" / f"{host}.jsonl").read_text().splitlines()
    bodies = [entry["body"] for entry in map(json.loads, lines) if entry["kind"] == "message"]
    assert [body["content"]["type"] for body in bodies] == ["text", "file"]
    assert bodies[0]["content"]["text"] == "大雁"
    assert [path.read_bytes() for path in (target / "files").iterdir()] == [data]
    assert "export.user" in await asyncio.to_thread(cluster.operate, "audit", "--json")


def problems(cluster: LiveCluster, *arguments: str) -> dict[str, str]:
    """Return what the doctor finds wrong, by check; whatever is wrong has a remedy."""
    try:
        told = cluster.operate("doctor", "--json", *arguments)
    except subprocess.CalledProcessError as error:
        told = error.stdout
    found: dict[str, str] = {}
    for one in json.loads(told):
        if one["level"] == "problem":
            assert one["remedy"], one
            found[one["check"]] = found.get(one["check"], "") + one["text"] + "\n"
    return found


async def test_the_doctor_finds_what_is_wrong(cluster: LiveCluster) -> None:
    await make_people(cluster.url, 2, secrets.token_hex(3))
    await cluster.call(NoteAct(act="test", params={}))
    assert problems(cluster, "--deep") == {}
    cluster.workers[0].kill()
    cluster.redis.stop(kill=True)
    forged = "UPDATE audit SET data = convert_to(replace(convert_from(data, 'UTF8'), {}), 'UTF8')"
    cluster.postgres.sql(forged.format("'done', 'lost'"))
    found = problems(cluster)
    assert set(found) == {"processes", "redis", "audit"}
    assert "is not what was written" in found["audit"]
    assert found["processes"] == "No worker is ready.\n"
    cluster.postgres.sql(forged.format("'lost', 'done'"))
    cluster.redis.start()
    cluster.workers[0].start()
    assert problems(cluster) == {}


def test_a_backup_is_the_databases_own_affair(cluster: LiveCluster, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        cluster.operate("backup", str(tmp_path / "copy.tar"))
    assert "by their own means" in refused.value.stderr
    assert not (tmp_path / "copy.tar").exists()
