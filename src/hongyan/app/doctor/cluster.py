"""The part of ``hongyan doctor`` that looks at a cluster: what it stands on, and what it holds."""

import asyncio
from collections import Counter
from functools import partial

import asyncpg

from hongyan.app.composition.objects import open_objects
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.link import ClusterLink, needed, shared_secrets
from hongyan.app.settings.sections import Settings, SettingsError
from hongyan.domain.catalog import ROWS
from hongyan.domain.media.ports import Downloads
from hongyan.domain.message.model import MESSAGE
from hongyan.infra.postgres.inspection import check_logs, newest_ms
from hongyan.infra.postgres.snapshot import PostgresSnapshot
from hongyan.infra.redis.connection import as_os_errors
from hongyan.infra.redis.connection import connect as connect_redis
from hongyan.kernel.clock import SystemClock
from hongyan.kernel.errors import NotFound, Refusal

from .diagnostics import Diagnostic, fine, problem, troubles
from .rows import clock, examine_rows

LISTENS_S = 3.0
"""Seconds to listen for signs of life; each node gives one a second."""
ROLES = ("gateway", "backend", "worker")
NO_OBJECT = "0" * 64
MEND = "Go back to the newest backup of the database, and keep this one to look into."


async def examine_cluster(
    settings: Settings, deep: bool, progress: ProgressBars
) -> list[Diagnostic]:
    """Look at a cluster from one of its machines; everything may go on meanwhile.

    Args:
        settings: Those of any of its processes.
        deep: Read every row and every byte.
        progress: Shows how far it is.
    """
    try:
        shared_secrets(settings.cluster)
        diagnostics = [fine("secrets", "The cluster's secret can be used.")]
        redis, postgres = (needed(settings.cluster, name) for name in ("redis", "postgres"))
        downloads = open_objects(settings, SystemClock()).downloads
    except SettingsError as error:
        return [problem("settings", str(error), "Mend this setting, for all processes alike.")]
    diagnostics += await _processes(settings)
    diagnostics += [await _redis(redis), await _bucket(downloads)]
    try:
        async with PostgresSnapshot(postgres, ROWS) as snapshot:
            logs = [text async for text in check_logs(snapshot.moment, (MESSAGE,))]
            diagnostics += troubles(
                "logs", logs, "Entries, heads and cursors of all logs fit.", MEND
            )
            diagnostics.append(clock(await newest_ms(snapshot.moment)))
            again = partial(PostgresSnapshot, postgres, ROWS)
            diagnostics += await examine_rows(snapshot, again, downloads, MEND, deep, progress)
    except (OSError, Refusal, asyncpg.PostgresError) as error:
        text = f"PostgreSQL cannot be read: {error}"
        diagnostics.append(problem("database", text, "Mend cluster.postgres, or the database."))
    return diagnostics


async def _processes(settings: Settings) -> list[Diagnostic]:
    """Listen at the broker for who is there."""
    link = ClusterLink(settings, "operator")
    try:
        await link.open()
    except OSError as error:
        text = f"NATS cannot be reached: {error}"
        return [problem("nats", text, "Mend cluster.nats, or start the broker.")]
    try:
        await link.nodes.start()
        await asyncio.sleep(LISTENS_S)
        counts = Counter(
            role
            for role in ROLES
            for node in link.nodes.of_role(role)
            if node.state == "ready" and node.node != link.connection.me
        )
    finally:
        await link.close()
    diagnostics = [fine("nats", "The broker takes what we publish, and brings it to others.")]
    for role in ROLES:
        if counts[role]:
            diagnostics.append(fine("processes", f"{role}s that are ready: {counts[role]}"))
        else:
            diagnostics.append(
                problem("processes", f"No {role} is ready.", f"Start one: hongyan {role}.")
            )
    return diagnostics


async def _redis(url: str) -> Diagnostic:
    client = connect_redis(url, "hongyan-doctor")
    try:
        with as_os_errors():
            await client.ping()
    except OSError as error:
        return problem("redis", str(error), "Mend cluster.redis, or start Redis.")
    finally:
        await client.aclose()
    return fine("redis", "Redis answers.")


async def _bucket(downloads: Downloads) -> Diagnostic:
    """Ask for an object that is not there: that says whether the others could be had."""
    try:
        await downloads.size(NO_OBJECT)
    except NotFound:
        pass
    except (Refusal, OSError) as error:
        text = f"The bucket cannot be read: {error}"
        return problem("bucket", text, "Mend the [objects] settings, or the bucket.")
    return fine("bucket", "Where the files are can be read.")
