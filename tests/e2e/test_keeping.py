"""The operator's tools beside a server that runs."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path

from hongyan_sdk import Client

from .live_server import HONGYAN, LiveServer

PASSWORD = "plum blossom 7"


async def _hongyan(folder: Path, *arguments: str) -> tuple[int, str]:
    ran = await asyncio.to_thread(
        subprocess.run,
        [str(HONGYAN), *arguments, "--data", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


async def test_tools_work_beside_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = LiveServer(folder)
    await asyncio.to_thread(server.start)
    try:
        await server.add_user("li", PASSWORD)
        wang = await server.add_user("wang", PASSWORD)
        async with Client.login(server.url, "li", PASSWORD) as li:
            chat = await li.open_direct(wang)
            await asyncio.gather(*(chat.send_text(f"{n}") for n in range(50)))
            listen = f"server.listen={server.url.partition('://')[2]}"
            code, told = await _hongyan(folder, "doctor", "--deep", "--json", "--set", listen)
            findings = json.loads(told)
            assert code == 0, told
            (found,) = [one for one in findings if one["check"] == "server"]
            assert "runs and answers" in found["text"]
            statistics = await _until_counted(folder)
            assert statistics["connected_devices"] == 1
            code, told = await _hongyan(folder, "export", "user", "wang", str(tmp_path / "wang"))
            assert code == 0, told
            lines = (tmp_path / "wang" / "conversations" / f"{chat.conversation_id}.jsonl").open()
            assert sum('"message"' in line for line in lines) == 50
            code, told = await _hongyan(folder, "demo")
            assert (code, "stop it" in told) == (3, True)
        code, told = await _hongyan(folder, "audit", "--json")
        methods = [json.loads(line)["method"] for line in told.splitlines()]
        assert methods == ["export.user", "user.create", "user.create"]
    finally:
        server.stop()


async def test_the_commands_of_the_page(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "operate" / "keeping.md"
    commands = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    server = LiveServer(tmp_path / "data")
    await asyncio.to_thread(server.start)
    try:
        await server.add_user("li", PASSWORD)
        wang = await server.add_user("wang", PASSWORD)
        async with Client.login(server.url, "li", PASSWORD) as li:
            chat = await li.open_direct(wang)
            await chat.send_text("for the record")
        script = "set -euo pipefail\n" + "\n".join(commands)
        listen = server.url.partition("://")[2]
        environment = os.environ | {
            "CONVERSATION": chat.conversation_id,
            "HONGYAN_SERVER__LISTEN": listen,
            "PATH": f"{HONGYAN.parent}:{os.environ['PATH']}",
        }
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("runs and answers", "read back and is whole", "Restored"):
        assert told in done.stdout
    code, audit = await _hongyan(tmp_path / "data", "audit", "--json")
    assert code == 0
    assert "request 7 of the works council" in audit
    assert (tmp_path / "restored" / "hongyan.db").is_file()
    for folder in ("li-chats", "case-7"):
        (lines,) = (tmp_path / folder).rglob("*.jsonl")
        assert "for the record" in lines.read_text(encoding="utf-8")


async def _until_counted(folder: Path) -> dict[str, int]:
    async with asyncio.timeout(20):
        while True:
            code, told = await _hongyan(folder, "stats", "--json")
            assert code == 0, told
            found: dict[str, int] = json.loads(told)
            if found["messages"] == 50:
                return found
