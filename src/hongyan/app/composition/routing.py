"""The routes of a cluster, put together as the settings say."""

import asyncio
from collections.abc import Callable

from hongyan.app.settings.sections import RoutingSettings, SettingsError
from hongyan.delivery.ports import ConversationMembers, UserConversations
from hongyan.delivery.routes.broadcast import BroadcastAddressing, BroadcastFollower
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.ports import Follower, Transport
from hongyan.delivery.routes.publisher import Addressing, RoutedPublisher
from hongyan.delivery.routes.registry import RegistryAddressing, RegistryFollower
from hongyan.delivery.routes.rpc import CallsFollower, NodeQueues
from hongyan.delivery.routes.subscriber import RoutedSubscriber
from hongyan.delivery.routes.subscriptions import Subscriptions
from hongyan.infra.nats.connection import NatsConnection
from hongyan.infra.nats.transport import NatsTransport
from hongyan.infra.redis.registry import RedisLease, RedisRegistry
from hongyan.infra.redis.transport import RedisTransport
from hongyan.kernel.ids import new_token_id

HEARTBEAT_S = 1.0
REFRESH_S = 60.0
"""Seconds between two times that a subscriber registers all its users."""


class Routes:
    """Makes the two sides of the routes for one process.

    Args:
        settings: What an operator may set.
        connection: The broker.
        cluster: The cluster's name.
        redis: Where Redis is; empty where no strategy needs it.
        heartbeat_s: How often publishers and subscribers give signs of life.

    Raises:
        SettingsError: the strategy wants Redis, and there is none.
    """

    def __init__(
        self,
        settings: RoutingSettings,
        connection: NatsConnection,
        cluster: str,
        redis: str = "",
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        if settings.strategy in {"registry", "broadcast-redis"} and not redis:
            raise SettingsError(f"cluster.redis: routing.strategy = {settings.strategy} needs it")
        self._settings = settings
        self._connection = connection
        self._cluster = cluster
        self._redis = redis
        self._heartbeat_s = heartbeat_s

    def publisher(self, members: ConversationMembers) -> RoutedPublisher:
        """Return the side of those who commit.

        Args:
            members: Reads the members of conversations.
        """
        settings, transport = self._settings, self._transport()
        bounds = (settings.queue_events_max, settings.queue_bytes_max)
        if settings.strategy == "rpc":
            asker = NatsTransport(self._connection, self._cluster)
            name = new_token_id()
            queues = NodeQueues(transport, asker, _now_s, self._heartbeat_s, name)
            return RoutedPublisher(
                transport,
                queues,
                *bounds,
                on_message=queues.received,
                post=queues.send,
                heartbeat_s=self._heartbeat_s,
                name=name,
            )
        return RoutedPublisher(
            transport,
            self._addressing(members),
            *bounds,
            heartbeat_s=self._heartbeat_s,
        )

    def subscriber(
        self, conversations: UserConversations, interests: Interests
    ) -> RoutedSubscriber:
        """Return a gateway's side.

        Args:
            conversations: Finds a user's conversations, asked over the network.
            interests: Is filled; give it to the hub.
        """
        transport = self._transport()
        listening = Subscriptions(transport, _now_s)

        def resync() -> None:
            subscriber.request_resync()

        follower = self._follower(transport, listening, resync)
        subscriber = RoutedSubscriber(
            transport, follower, listening, conversations, interests, _now_s, self._heartbeat_s
        )
        return subscriber

    def _transport(self) -> Transport:
        if self._settings.strategy == "broadcast-redis":
            return RedisTransport(self._redis, self._cluster, self._connection.me)
        return NatsTransport(self._connection, self._cluster)

    def _addressing(self, members: ConversationMembers) -> Addressing:
        settings = self._settings
        if settings.strategy == "registry":
            registry = RedisRegistry(self._redis, self._cluster, self._connection.me)
            return RegistryAddressing(registry, members, _now_s, settings.lease_s)
        return BroadcastAddressing()

    def _follower(
        self, transport: Transport, listening: Subscriptions, resync: Callable[[], None]
    ) -> Follower:
        settings, node = self._settings, self._connection.me
        if settings.strategy == "registry":
            lease = RedisLease(self._redis, self._cluster, node, settings.lease_s, 3 * REFRESH_S)
            return RegistryFollower(lease, listening, node, settings.lease_s, REFRESH_S, resync)
        if settings.strategy == "rpc":
            return CallsFollower(transport, listening, node, self._heartbeat_s)
        return BroadcastFollower(listening)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
