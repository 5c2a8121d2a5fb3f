"""What Lighthouse says of the entrance and of the client behind it."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

from tests.e2e.servers import Server

from .conftest import ARGUMENTS, CHROMIUM, handles
from .person import PASSWORD

LIGHTHOUSE = Path(__file__).parent / "node/node_modules/lighthouse/cli/index.js"
ACCESSIBILITY, BEST_PRACTICES = 100, 95
PORT_FILE = "DevToolsActivePort"


async def report(port: str, url: str) -> dict[str, Any]:
    """Run Lighthouse on a page of the browser that listens there."""
    node = shutil.which("node")
    assert node, "there is no Node.js: run by tools/with-node"
    assert LIGHTHOUSE.exists(), "npm's packages are missing: tools/prepare-tests"
    options = ["--output=json", "--quiet", "--disable-storage-reset", f"--port={port}"]
    chosen = "--only-categories=accessibility,best-practices"
    process = await asyncio.create_subprocess_exec(
        node,
        str(LIGHTHOUSE),
        url,
        chosen,
        *options,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "CHROME_PATH": CHROMIUM, "CI": "1"},
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(told)
    return found


def faults(found: dict[str, Any], category: str) -> list[str]:
    """Return the audits of a category that failed."""
    names = [one["id"] for one in found["categories"][category]["auditRefs"]]
    audits = [found["audits"][name] for name in names]
    return [
        f"{audit['id']}: {json.dumps(audit.get('details', {}))[:400]}"
        for audit in audits
        if audit["score"] is not None and audit["score"] < 1
    ]


@pytest.mark.timeout(240)
async def test_lighthouse_is_content(server: Server, tmp_path: Path) -> None:
    handle = f"lara_{next(handles)}"
    await server.add_user(handle, PASSWORD, "Lara")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=[*ARGUMENTS, "--remote-debugging-port=0"],
            locale="en-GB",
        )
        port = (tmp_path / "profile" / PORT_FILE).read_text().splitlines()[0]
        reports = [await report(port, server.url)]
        page = context.pages[0]
        await page.goto(server.url)
        await page.locator("input[name=username]").fill(handle)
        await page.locator("input[name=password]").fill(PASSWORD)
        await page.locator("button[type=submit]").click()
        await expect(page.locator(".rail")).to_be_visible()
        reports.append(await report(port, f"{server.url}/settings/profile"))
        await context.close()
    seen = [found["fullPageScreenshot"]["screenshot"]["data"] for found in reports]
    assert seen[0] != seen[1], "somebody is logged in the second time"
    for found in reports:
        scores = {name: 100 * one["score"] for name, one in found["categories"].items()}
        assert scores["accessibility"] == ACCESSIBILITY, faults(found, "accessibility")
        assert scores["best-practices"] >= BEST_PRACTICES, faults(found, "best-practices")
