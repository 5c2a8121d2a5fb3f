"""A strategy that is only measured: each node listens to the logs that its users need.

The broker does the rest. It lost to broadcast and registry, see ``docs/operate/routing.md``.
A log's subject is its own, or that of the bucket that its id falls into. Joins and leaves, and
the first entry of a log, go to the logs of the users concerned as well: a node cannot listen
to a conversation before it knows that it has to.
"""

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import structs

from hongyan.app.routing import BEAT_S, Routes
from hongyan.app.settings import RoutingSettings
from hongyan.delivery.ports import ConversationMembers
from hongyan.delivery.routes.broadcast import ALL
from hongyan.delivery.routes.listening import Listening
from hongyan.delivery.routes.parcel import Told
from hongyan.delivery.routes.ports import Carrier, Follower
from hongyan.delivery.routes.teller import RoutedTeller
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

    async def address(self, batch: Sequence[Told]) -> Mapping[str, Sequence[Told]]:
        """See ``Addressing.address``."""
        addressed: dict[str, list[Told]] = {}
        for told in batch:
            subject = self._subject_of(told.log_id)
            addressed.setdefault(subject, []).append(told)
            if told.moved:
                copy = structs.replace(told, is_copy=True)
                subjects = {self._subject_of(user_log(user_id)) for user_id in told.moved}
                for other in subjects - {subject} if len(subjects) <= COPIES_MAX else (ALL,):
                    addressed.setdefault(other, []).append(copy)
        return addressed

    async def close(self) -> None:
        """See ``Addressing.close``."""


class InterestFollower:
    """Listens to the subjects of the logs.

    Args:
        listening: What is listened to.
        subject_of: As the tellers have it.
    """

    def __init__(self, listening: Listening, subject_of: SubjectOf) -> None:
        self._listening = listening
        self._subject_of = subject_of

    async def start(self) -> None:
        """See ``Follower.start``."""
        await self._listening.hold((ALL,))

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.follow``."""
        await self._listening.hold([self._subject_of(log_id) for log_id in log_ids])

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

    def teller(self, _members: ConversationMembers) -> RoutedTeller:
        """See ``Routes.teller``."""
        addressing = InterestAddressing(self._subject_of)
        return RoutedTeller(self._carrier(), addressing, counted=self._is_counted, beat_s=BEAT_S)

    def _follower(self, _carrier: Carrier, listening: Listening) -> Follower:
        return InterestFollower(listening, self._subject_of)
