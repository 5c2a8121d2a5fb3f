"""A gateway's subscriber in a process of its own; prints a line for each event and each doubt."""

import asyncio
import json
import sys
from typing import Any

from hongyan.app.composition.routing import Routes
from hongyan.app.settings.sections import RoutingSettings
from hongyan.delivery.routes.interests import Interests
from hongyan.infra.nats.connection import NatsConnection


class Alone:
    """An audience of one user in one conversation."""

    def __init__(self, group: str) -> None:
        self.group: Any = group

    async def members(self, _conversation_id: Any) -> list[Any]:
        return ["ann"]

    async def conversations(self, _user_id: Any) -> list[Any]:
        return [self.group]


def say(what: str) -> None:
    print(what, flush=True)


async def main() -> None:
    about = json.loads(sys.argv[1])
    connection = NatsConnection((about["nats"],), "station")
    await connection.open()
    settings = RoutingSettings(strategy=about["strategy"])
    routes = Routes(settings, connection, "test", about["redis"], 0.2)
    subscriber = routes.subscriber(Alone(about["group"]), Interests())
    await subscriber.start(lambda event: say(f"fact {event.entries[0].seq}"), lambda: say("doubt"))  # type: ignore[union-attr]
    await subscriber.connected("ann")  # type: ignore[arg-type]
    say("ready")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
