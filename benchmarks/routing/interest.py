"""A strategy that is only measured: each node listens to the logs that its users need.

The broker does the rest. It lost to broadcast and registry, see ``docs/operate/routing.md``.
A log's subject is its own, or that of the bucket that its id falls into. Joins and leaves, and
the first entry of a log, go to the logs of the users concerned as well: a node cannot listen
to a conversation before it knows that it has to.
"""

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import structs

from hongyan.app.composition.routing import HEARTBEAT_S, Routes
from hongyan.app.settings.sections import RoutingSettings
from hongyan.delivery.ports import ConversationMembers
from hongyan.delivery.routes.batch import RoutedEvent
from hongyan.delivery.routes.broadcast import ALL
from hongyan.delivery.routes.ports import Follower, Transport
from hongyan.delivery.routes.publisher import RoutedPublisher
from hongyan.delivery.routes.subscriptions import Subscriptions
from hongyan.infra.nats.connection import NatsConnection
from hongyan.kernel.ids import LogId, user_log

COPIES_MAX = 16
"""When more users come or go at once, every node is told instead."""
SubjectOf = Callable[[LogId], str]


def exact(log_id: LogId) -> str:
    """Return the log's own subject."""
    return "log." + log_id.replace("@", "=").replace(".", "==")


def hashed(buckets: int) -> SubjectOf:
    """Return the function that gives a log the subject of its bucket."""
    subjects = [f"bucket.{number}" for number in range(buckets)]

    def subject_of(log_id: LogId) -> str:
        return subjects[zlib.crc32(log_id.encode()) % buckets]

    return subject_of


class InterestAddressing:
    """The log's subject, and those of the users who come or go.

    Args:
        subject_of: ``exact`` or ``hashed(...)``; the same everywhere.
    """

    def __init__(self, subject_of: SubjectOf) -> None:
        self._subject_of = subject_of

    async def start(self) -> None:
        """See ``Addressing.start``."""

    async def address(self, batch: Sequence[RoutedEvent]) -> Mapping[str, Sequence[RoutedEvent]]:
        """See ``Addressing.address``."""
        addressed: dict[str, list[RoutedEvent]] = {}
        for routed in batch:
            subject = self._subject_of(routed.log_id)
            addressed.setdefault(subject, []).append(routed)
            if routed.moved:
                copy = structs.replace(routed, is_copy=True)
                subjects = {self._subject_of(user_log(user_id)) for user_id in routed.moved}
                for other in subjects - {subject} if len(subjects) <= COPIES_MAX else (ALL,):
                    addressed.setdefault(other, []).append(copy)
        return addressed

    async def close(self) -> None:
        """See ``Addressing.close``."""


class InterestFollower:
    """Listens to the subjects of the logs.

    Args:
        listening: What is listened to.
        subject_of: As the publishers have it.
    """

    def __init__(self, listening: Subscriptions, subject_of: SubjectOf) -> None:
        self._listening = listening
        self._subject_of = subject_of

    async def start(self) -> None:
        """See ``Follower.start``."""
        await self._listening.acquire((ALL,))

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.follow``."""
        await self._listening.acquire([self._subject_of(log_id) for log_id in log_ids])

    def unfollow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.unfollow``."""
        self._listening.release([self._subject_of(log_id) for log_id in log_ids])

    async def close(self) -> None:
        """See ``Follower.close``."""


class InterestRoutes(Routes):
    """The routes of one process by this strategy, over NATS.

    Args:
        connection: The broker.
        cluster: The cluster's name.
        buckets: Into how many subjects all logs are hashed; 0 gives each log its own.
    """

    def __init__(self, connection: NatsConnection, cluster: str, buckets: int) -> None:
        super().__init__(RoutingSettings(), connection, cluster)
        self._is_counted = buckets > 0
        self._subject_of = hashed(buckets) if buckets else exact

    def publisher(self, _members: ConversationMembers) -> RoutedPublisher:
        """See ``Routes.publisher``."""
        addressing = InterestAddressing(self._subject_of)
        return RoutedPublisher(
            self._transport(), addressing, counted=self._is_counted, heartbeat_s=HEARTBEAT_S
        )

    def _follower(
        self, transport: Transport, listening: Subscriptions, resync: Callable[[], None]
    ) -> Follower:
        return InterestFollower(listening, self._subject_of)
