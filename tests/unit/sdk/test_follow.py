"""``hongyan chat --follow`` prints all that comes, from the moment others see the device online."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.waiting import until

from hongyan_sdk.chat.accounts import Accounts
from hongyan_sdk.chat.command import _plain, parser

from .conftest import account
from .fake_server import FakeServer

HELLO_MS = 1_800_000_000_000


async def test_what_comes_while_the_device_syncs_is_printed(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.append("d1", "bob", "old")
    accounts = Accounts(tmp_path)
    store = accounts.store(server.url, "me")
    store.put_account(account(server.url))
    store.close()
    answer = asyncio.Event()
    server.faults["conversation.sync"].append(answer)
    options = parser().parse_args(["--url", server.url, "--as", "me", "--follow"])
    following = asyncio.ensure_future(_plain(options, accounts))
    await until(lambda: server.asked("conversation.sync"))
    news = server.append("d1", "bob", "news", push=False)
    news["sent_at_ms"] = HELLO_MS
    server.push("entry", news)
    answer.set()
    printed: list[str] = []

    def is_printed() -> bool:
        printed.append(capsys.readouterr().out)
        return "news" in "".join(printed)

    await until(is_printed)
    assert "old" not in "".join(printed)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
