"""The core of backends and workers: the database, and all services on it."""

import asyncio

from hongyan.app.composition.services import Services
from hongyan.app.settings.sections import Settings
from hongyan.delivery.presence import PresenceService
from hongyan.domain.admin.ports import NoUsage
from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Committed, Signal
from hongyan.domain.user.ports import Attempts
from hongyan.domain.user.throttle import ThrottlePolicy
from hongyan.infra.local.audience import RecordsMembers
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.nats.commit_broadcast import CommitBroadcast
from hongyan.infra.nats.deliveries import NatsDeliveries
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.redis.presence import RedisConnectionRegistry, RedisPresenceSubscriptions
from hongyan.infra.redis.throttle import RedisThrottle
from hongyan.kernel.clock import Clock

from .link import ClusterLink, needed, shared_secrets


class Core:
    """The services on the cluster's database, and the way of their events to the gateways.

    Args:
        settings: What an operator may set.
        link: The cluster.
        clock: The time of day.

    Attributes:
        bus: Serves all commands, in this process.

    Raises:
        SettingsError: a setting is missing or wrong.
    """

    def __init__(self, settings: Settings, link: ClusterLink, clock: Clock) -> None:
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
        self._deliveries = NatsDeliveries(link.connection, link.subjects, link.nodes)
        self.services = Services(
            settings,
            secrets,
            self.store,
            self.bus,
            clock,
            throttle,
            usage=NoUsage(),
            deliveries=self._deliveries,
        )
        self.publisher = link.routes.publisher(RecordsMembers(self.store))
        self._where = RedisConnectionRegistry(redis, cluster.name, link.nodes.is_known)
        self._subscriptions = RedisPresenceSubscriptions(redis, cluster.name)
        later = asyncio.get_running_loop().call_later
        self.presence = PresenceService(
            self.store, self.bus, clock, self._where, self._subscriptions, later
        )
        self.bus.serve(self.presence)
        self._commit_broadcast = CommitBroadcast(
            link.connection, link.subjects, self.bus, self.services.caches.matter
        )
        self.bus.subscribe(Signal, self.publisher.publish)

    async def open(self) -> None:
        """Connect to the database, and receive what others commit.

        Raises:
            OSError: something cannot be reached.
        """
        await self.store.start()
        await self._commit_broadcast.start()
        await self._deliveries.start()
        await self.publisher.start()

    async def close(self) -> None:
        """Finish what was begun, and publish what was committed."""
        await self.services.close()
        await self.store.close()
        await self.publisher.close()
        await self._where.close()
        await self._subscriptions.close()
        for throttle in self._throttles:
            await throttle.close()

    def _committed(self, committed: Committed) -> None:
        self.bus.publish(committed)
        self.publisher.publish(committed)
        self._commit_broadcast.publish(committed)
