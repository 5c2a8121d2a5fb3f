"""The routes of a cluster, put together as the settings say."""

import asyncio

from hongyan.delivery.ports import ConversationMembers, UserConversations
from hongyan.delivery.routes.broadcast import BroadcastAddressing, BroadcastFollower
from hongyan.delivery.routes.calls import CallsFollower, Lanes
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.listening import Listening
from hongyan.delivery.routes.ports import Carrier, Follower
from hongyan.delivery.routes.registry import RegistryAddressing, RegistryFollower
from hongyan.delivery.routes.station import RoutedStation
from hongyan.delivery.routes.teller import Addressing, RoutedTeller
from hongyan.infra.nats.carrier import NatsCarrier
from hongyan.infra.nats.connection import NatsConnection
from hongyan.infra.redis.carrier import RedisCarrier
from hongyan.infra.redis.registry import RedisLease, RedisRegistry

from .settings import RoutingSettings, SettingsError

BEAT_S = 1.0
REFRESH_S = 60.0
"""How often a station registers all its users again."""


class Routes:
    """Makes the two sides of the routes for one process.

    Args:
        settings: What an operator may set.
        connection: The broker.
        cluster: The cluster's name.
        redis: Where Redis is; empty where no strategy needs it.
        beat_s: How often tellers and stations give signs of life.

    Raises:
        SettingsError: the strategy wants Redis, and there is none.
    """

    def __init__(
        self,
        settings: RoutingSettings,
        connection: NatsConnection,
        cluster: str,
        redis: str = "",
        beat_s: float = BEAT_S,
    ) -> None:
        if settings.strategy in {"registry", "broadcast-redis"} and not redis:
            raise SettingsError(f"cluster.redis: routing.strategy = {settings.strategy} needs it")
        self._settings = settings
        self._connection = connection
        self._cluster = cluster
        self._redis = redis
        self._beat_s = beat_s

    def teller(self, members: ConversationMembers) -> RoutedTeller:
        """Return the side of those who commit.

        Args:
            members: Reads the members of conversations.
        """
        settings, carrier = self._settings, self._carrier()
        bounds = (settings.queue_facts_max, settings.queue_bytes_max)
        if settings.strategy == "rpc":
            asker = NatsCarrier(self._connection, self._cluster)
            lanes = Lanes(carrier, asker, _now_s, self._beat_s)
            teller = RoutedTeller(
                carrier,
                lanes,
                *bounds,
                on_letter=lanes.heard,
                post=lanes.post,
                beat_s=self._beat_s,
            )
            lanes.teller = teller.name
            return teller
        return RoutedTeller(
            carrier,
            self._addressing(members),
            *bounds,
            beat_s=self._beat_s,
        )

    def station(self, conversations: UserConversations, interests: Interests) -> RoutedStation:
        """Return a gateway's side.

        Args:
            conversations: Tells a user's conversations, asked over the network.
            interests: Is filled; give it to the hub.
        """
        carrier = self._carrier()
        listening = Listening(carrier, _now_s)
        follower = self._follower(carrier, listening)
        station = RoutedStation(
            carrier, follower, listening, conversations, interests, _now_s, self._beat_s
        )
        if isinstance(follower, RegistryFollower):
            follower.doubt = station.doubt
        return station

    def _carrier(self) -> Carrier:
        if self._settings.strategy == "broadcast-redis":
            return RedisCarrier(self._redis, self._cluster, self._connection.me)
        return NatsCarrier(self._connection, self._cluster)

    def _addressing(self, members: ConversationMembers) -> Addressing:
        settings = self._settings
        if settings.strategy == "registry":
            registry = RedisRegistry(self._redis, self._cluster, self._connection.me)
            return RegistryAddressing(registry, members, _now_s, settings.lease_s)
        return BroadcastAddressing()

    def _follower(self, carrier: Carrier, listening: Listening) -> Follower:
        settings, node = self._settings, self._connection.me
        if settings.strategy == "registry":
            lease = RedisLease(self._redis, self._cluster, node, settings.lease_s, 3 * REFRESH_S)
            return RegistryFollower(lease, listening, node, settings.lease_s, REFRESH_S)
        if settings.strategy == "rpc":
            return CallsFollower(carrier, listening, node, self._beat_s)
        return BroadcastFollower(listening)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
