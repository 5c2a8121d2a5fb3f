"""The integration services, made from settings and ports, and served by a bus."""

from typing import Protocol

import hongyan
from hongyan.app.settings.sections import IntegrationSettings, Settings, SettingsError
from hongyan.domain.integration.app_conversations import AppConversations
from hongyan.domain.integration.app_users import AppUsers, ExternalUsers
from hongyan.domain.integration.change_window import ChangeWindow
from hongyan.domain.integration.keys import Keys
from hongyan.domain.integration.stored_answers import StoredAnswers
from hongyan.domain.integration.webhook_dispatcher import DispatcherContext
from hongyan.domain.integration.webhooks import Webhooks
from hongyan.domain.integration.widget import Widget
from hongyan.domain.log.ports import ChangeStream, Log, Records
from hongyan.domain.log.readers import Job, Retry
from hongyan.domain.message.ports import Gate
from hongyan.domain.visibility.visibility import Visibility
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.local.caches import Caches
from hongyan.infra.webhooks.guard import AddressGuard
from hongyan.infra.webhooks.hook import BeforeSendHook
from hongyan.infra.webhooks.poster import HttpPoster
from hongyan.kernel.clock import Clock


class Store(Log, ChangeStream, Records, Protocol):
    """The store's ports that integration needs."""


class Integration:
    """API keys, app servers' users and groups, webhooks, and the hook before sending.

    Args:
        settings: What an operator may set.
        store: Where everything is.
        bus: Serves the services.
        caches: Where what they remember is registered.
        clock: The time of day.
        visibility: Who sees what.

    Attributes:
        gates: What is asked before a message is stored.
        jobs: What is done again and again; for the runtime.
        webhooks: Says which webhooks are to be served.

    Raises:
        SettingsError: an allowed network is none.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        bus: LocalBus,
        caches: Caches,
        clock: Clock,
        visibility: Visibility,
    ) -> None:
        options = settings.integration
        try:
            guard = AddressGuard(options.allowed_networks)
        except ValueError as error:
            raise SettingsError(f"integration.allowed_networks: {error}") from error
        agent = f"hongyan/{hongyan.__version__}"
        self._poster = HttpPoster(guard, options.webhook_timeout_s, agent)
        retry = Retry(
            first_s=options.webhook_retry_first_s,
            most_s=options.webhook_retry_most_s,
            give_up_s=options.webhook_give_up_s,
            attempts_max=0,
        )
        dispatch = DispatcherContext(
            store, store, store, clock, self._poster, ChangeWindow(store), visibility, retry
        )
        self.webhooks = Webhooks(dispatch)
        people = ExternalUsers(store)
        keys = Keys(store, store, clock)
        answers = StoredAnswers(store, store, clock)
        content_bytes = settings.messages.content_bytes_max
        for part in (
            keys,
            answers,
            self.webhooks,
            AppUsers(bus, store, store, people),
            AppConversations(bus, store, store, clock, people, content_bytes),
            Widget(bus, store),
        ):
            bus.serve(part)
        caches.add(keys.cache)
        self.jobs = (Job("stored-answers", answers.run),)
        self.gates = _gates(options, self._poster, clock)

    async def close(self) -> None:
        """Close connections."""
        await self._poster.close()


def _gates(options: IntegrationSettings, poster: HttpPoster, clock: Clock) -> tuple[Gate, ...]:
    if not options.before_send_url:
        return ()
    hook = BeforeSendHook(
        poster,
        clock,
        options.before_send_url,
        options.before_send_secret,
        options.before_send_timeout_s,
        options.before_send_fails == "open",
    )
    return (hook,)
