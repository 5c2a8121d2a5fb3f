"""The page of one message over the cluster names what is called, in its order."""

import asyncio
import gc
import os
import secrets
import signal
from pathlib import Path

import pytest
from tools.cluster.cluster import environment

from hongyan.app.roles import all as whole
from hongyan.app.settings.sources import load
from tests.architecture.trace import FLOWS, check, traced
from tests.cluster.live_cluster import LiveCluster
from tests.cluster.load import make_people
from tests.e2e.waiting import until
from tests.engines.process import free_port

from .conftest import QUIET

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(200)]


async def test_one_message_over_the_cluster(tmp_path: Path) -> None:
    cluster = LiveCluster(tmp_path, *QUIET, shape=(0, 0, 0), with_proxy=False)
    node = cluster._node("all", 1, free_port())
    threshold = gc.get_threshold()
    try:
        await asyncio.to_thread(cluster.start_engines)
        with traced() as called:
            ready = asyncio.Event()
            settings = load(environment(node._settings)).settings
            running = asyncio.create_task(whole.run(settings, lambda _url: ready.set()))
            await asyncio.wait_for(ready.wait(), 60)
            one, other = await make_people(node.url, 2, secrets.token_hex(3))
            for person in (one, other):
                await person.connect(node.url)
            direct = await one.call("conversation.open_direct", user_id=other.user_id)
            host = {"conversation_id": direct["conversation_id"], "client_id": "1"}
            called.clear()
            sent = await one.call("message.send", **host, content={"type": "text", "text": "hi"})
            await until(lambda: (direct["conversation_id"], sent["seq"]) in other.heard)
            check(FLOWS / "one-message-over-the-cluster.md", called)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(running, 60)
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
        await asyncio.to_thread(cluster.stop)
