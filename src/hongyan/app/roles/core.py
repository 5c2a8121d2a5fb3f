"""What backends and workers have in common: the database, and all services on it."""

import asyncio

from hongyan.app.services import Services
from hongyan.app.settings import Settings
from hongyan.delivery.presence import Presence
from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Committed, Signal
from hongyan.domain.user.ports import Attempts
from hongyan.domain.user.throttle import ThrottlePolicy
from hongyan.infra.local.audience import RecordsMembers
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.nats.hearsay import Hearsay
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.redis.presence import RedisWatches, RedisWhereabouts
from hongyan.infra.redis.throttle import RedisThrottle
from hongyan.kernel.clock import Clock

from .link import Link, needed, shared_secrets


class Core:
    """The services on the cluster's database, and the way of their facts to the gateways.

    Args:
        settings: What an operator may set.
        link: The cluster.
        clock: The time of day.

    Attributes:
        bus: Serves all commands, in this process.

    Raises:
        SettingsError: a setting is missing or wrong.
    """

    def __init__(self, settings: Settings, link: Link, clock: Clock) -> None:
        cluster = settings.cluster
        self.bus = LocalBus()
        self.store = PostgresStore(
            needed(cluster, "postgres"),
            ROWS,
            self._committed,
            queue_limit=settings.storage.commit_queue_max,
        )
        redis = needed(cluster, "redis")
        self._throttles: list[RedisThrottle] = []

        def throttle(name: str, policy: ThrottlePolicy) -> Attempts:
            self._throttles.append(RedisThrottle(redis, cluster.name, name, policy))
            return self._throttles[-1]

        secrets = shared_secrets(cluster)
        self.services = Services(settings, secrets, self.store, self.bus, clock, throttle)
        self.teller = link.routes.teller(RecordsMembers(self.store))
        self._where = RedisWhereabouts(redis, cluster.name, link.nodes.is_known)
        self._watches = RedisWatches(redis, cluster.name)
        later = asyncio.get_running_loop().call_later
        self.presence = Presence(self.store, self.bus, clock, self._where, self._watches, later)
        self.bus.serve(self.presence)
        self._hearsay = Hearsay(
            link.connection, link.subjects, self.bus, self.services.caches.matter
        )
        self.bus.subscribe(Signal, self.teller.tell)

    async def open(self) -> None:
        """Connect to the database, and hear what others commit.

        Raises:
            OSError: something cannot be reached.
        """
        await self.store.start()
        await self._hearsay.start()
        await self.teller.start()

    async def close(self) -> None:
        """Finish what was begun, and tell what was committed."""
        await self.services.close()
        await self.store.close()
        await self.teller.close()
        await self._where.close()
        await self._watches.close()
        for throttle in self._throttles:
            await throttle.close()

    def _committed(self, committed: Committed) -> None:
        self.bus.publish(committed)
        self.teller.tell(committed)
        self._hearsay.tell(committed)
