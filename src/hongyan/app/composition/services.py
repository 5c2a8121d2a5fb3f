"""All services, made from settings and ports, and served by a bus."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from hongyan.app.settings.sections import MessageSettings, Secrets, Settings, UserSettings
from hongyan.domain.admin.audit import Audit
from hongyan.domain.admin.departure import Departures
from hongyan.domain.admin.ports import Deliveries, UsageMeter
from hongyan.domain.admin.readers import ReaderAdministration
from hongyan.domain.admin.statistics import Counting
from hongyan.domain.admin.tracing import Tracing
from hongyan.domain.conversation.archive import Archives
from hongyan.domain.conversation.history import Histories
from hongyan.domain.conversation.opening import Opening
from hongyan.domain.conversation.preferences import Preferences
from hongyan.domain.conversation.profile_signals import ProfileSignals
from hongyan.domain.conversation.queries import ConversationQueries
from hongyan.domain.conversation.reading import Reading
from hongyan.domain.conversation.sync import Syncing
from hongyan.domain.conversation.typing_signals import TypingSignals
from hongyan.domain.group.groups import GroupService
from hongyan.domain.group.joining import JoiningService
from hongyan.domain.group.members import MemberService
from hongyan.domain.group.repository import GroupRepository
from hongyan.domain.log.ports import Archive, ChangeStream, Cursors, Log, Records
from hongyan.domain.log.readers import Job
from hongyan.domain.message.attachment import Attaching
from hongyan.domain.message.burn import Burning
from hongyan.domain.message.edit import Editing
from hongyan.domain.message.favourite import Favouring
from hongyan.domain.message.forget import Forgetting
from hongyan.domain.message.forward import Forwarding
from hongyan.domain.message.mention import Mentioning
from hongyan.domain.message.metadata import MetadataQueries
from hongyan.domain.message.pin import Pinning
from hongyan.domain.message.poll import Polling
from hongyan.domain.message.react import Reacting
from hongyan.domain.message.recall import Recalling
from hongyan.domain.message.removal import Removal
from hongyan.domain.message.rules import MessageLimits, Windows
from hongyan.domain.message.schedule import Scheduling
from hongyan.domain.message.send import Sending
from hongyan.domain.message.send_contexts import SendContexts
from hongyan.domain.message.targets import Targets
from hongyan.domain.message.trim import Trimming
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.relation.lists import RelationLists
from hongyan.domain.relation.relations import RelationService
from hongyan.domain.user.commands import ProfileChanged
from hongyan.domain.user.credentials import CredentialPolicy
from hongyan.domain.user.devices import DevicePolicy
from hongyan.domain.user.ports import Avatars, CodeSender
from hongyan.domain.user.users import Throttles, UserService, local_throttle
from hongyan.domain.visibility.visibility import Visibility
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.local.caches import Caches
from hongyan.infra.security.hasher import Argon2Hasher
from hongyan.infra.security.scram import ScramHasher
from hongyan.infra.security.tokens import JwtAccessTokens, JwtLoginTokens
from hongyan.infra.senders.mail import SmtpCodeSender
from hongyan.kernel.background import Background
from hongyan.kernel.clock import Clock
from hongyan.runtime.background import Tasks
from hongyan.runtime.works import Works

from .integration import Integration
from .media import MediaParts


class Store(Log, Cursors, ChangeStream, Archive, Records, Protocol):
    """One store with all its five ports."""


class Services:
    """The domain at work: every command has its handler, every cache gets the commits.

    Args:
        settings: What an operator may set.
        secrets: The server's own secrets.
        store: Where everything is.
        bus: Serves the services, and publishes to them what was committed.
        clock: The time of day.
        throttles: Makes what counts failed attempts.
        usage: Measures what the server takes of its machine.
        deliveries: Remembers what nodes have pushed.

    Attributes:
        caches: What remembers rows.
        works: Readers and jobs, for the runtime.
        counting: Keeps the statistics.
        integration: What app servers use.
        media: Keeps files.
    """

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        store: Store,
        bus: LocalBus,
        clock: Clock,
        throttles: Throttles = local_throttle,
        *,
        usage: UsageMeter,
        deliveries: Deliveries,
    ) -> None:
        self._bus = bus
        self._mails, self._signs = Tasks(), Tasks()
        visibility = visibility_of(store)
        bus.serve(visibility)
        self.media = MediaParts(settings, secrets, store, store, bus, clock, visibility)
        audit = Audit(store, store, clock)
        bus.wrap(audit.around)
        self.hasher = _hasher(settings.users)
        avatars = self.media.access
        self._users = _users(
            settings, secrets, store, bus, clock, self.hasher, avatars, throttles, self._mails
        )
        for part in self._users.parts:
            bus.serve(part)
        self.caches, self.works = Caches(bus), Works()
        self.caches.add(self._users.cache)
        for part in (RelationService(store, store, clock), RelationLists(store)):
            bus.serve(part)
        repository = GroupRepository(store, store, clock, self.media.access)
        for service in (GroupService, MemberService, JoiningService):
            bus.serve(service(repository))
        self.integration = Integration(settings, store, bus, self.caches, clock, visibility)
        self._serve_conversations(store, clock, visibility)
        self._serve_messages(settings.messages, store, clock, visibility)
        self.counting = Counting(store, store, clock, usage)
        tracing = Tracing(store, store, store, visibility, deliveries)
        readers = ReaderAdministration(store, store, store, clock, self.works.all_readers)
        for part in (audit, self.counting, tracing, readers):
            bus.serve(part)
        self.works.add(
            self.counting.reader,
            self.integration.webhooks.family,
            *self.integration.jobs,
            Job("departures", Departures(store, store, bus).run),
            *self.media.jobs,
        )
        self.caches.add(self.works.cache)

    async def close(self) -> None:
        """Finish what the services have begun beside the log."""
        await self.integration.close()
        await self.media.close()
        await self._mails.close()
        await self._signs.close()
        self.hasher.close()

    def _serve_conversations(self, store: Store, clock: Clock, visibility: Visibility) -> None:
        queries = ConversationQueries(store, store, store, visibility)
        for part in (
            Opening(queries, clock),
            Histories(queries),
            Preferences(queries, clock),
            Reading(queries, clock, self._bus),
            TypingSignals(queries, self._bus),
            Syncing(queries, store),
            Archives(queries, store, store),
        ):
            self._bus.serve(part)
        signs = ProfileSignals(store, self._bus, clock, _later, self._signs)
        self._bus.subscribe(ProfileChanged, signs.changed)

    def _serve_messages(
        self, settings: MessageSettings, store: Store, clock: Clock, visibility: Visibility
    ) -> None:
        contexts = SendContexts(store, store)
        self.caches.add(contexts.cache)
        targets = Targets(store, store, contexts, visibility)
        mentions = Mentioning(store)
        limits, windows = _limits(settings), _windows(settings)
        attaching = Attaching(self.media.access)
        removal = Removal(store, store, mentions, attaching)
        gates = self.integration.gates
        sending = Sending(store, store, clock, contexts, mentions, limits, gates, attaching)
        scheduling = Scheduling(store, store, clock, targets, sending, limits, attaching)
        burning = Burning(store, store, store, targets, removal)
        self.caches.add(burning.cache)
        trimming = Trimming(store, store, targets, removal, settings.retention_days)
        self.works.add(
            Job("scheduled-messages", scheduling.run),
            Job("burning", burning.run),
            Job("retention", trimming.run),
        )
        for part in (
            sending,
            scheduling,
            Forwarding(store, targets, sending),
            Editing(store, store, clock, targets, mentions, limits, windows, gates=gates),
            Recalling(clock, targets, removal, windows),
            Reacting(store, clock, targets),
            Pinning(store, clock, targets),
            Polling(store, clock, targets),
            Favouring(store, store, clock, targets, visibility),
            MetadataQueries(store, targets),
            Forgetting(store, store),
        ):
            self._bus.serve(part)


def _hasher(settings: UserSettings) -> Argon2Hasher:
    return Argon2Hasher(
        settings.argon2_memory_kib,
        settings.argon2_passes,
        settings.argon2_lanes,
        settings.argon2_threads,
    )


def _users(
    settings: Settings,
    secrets: Secrets,
    store: Store,
    bus: LocalBus,
    clock: Clock,
    hasher: Argon2Hasher,
    avatars: Avatars,
    throttles: Throttles,
    mails: Background,
) -> UserService:
    users = settings.users
    keys = [bytes.fromhex(secrets.access_token_key)]
    return UserService(
        store,
        store,
        clock,
        hasher,
        ScramHasher(hasher.threads),
        JwtAccessTokens(keys),
        _code_sender(settings),
        mails,
        users.registration,
        DevicePolicy(
            access_ttl_s=users.access_token_s,
            refresh_ttl_s=users.refresh_token_s,
            grace_ms=users.refresh_grace_s * 1000,
            terminals=users.terminals,
            devices_max=users.devices_max,
        ),
        CredentialPolicy(
            password_min=users.password_length_min,
            scram_for_account_passwords=users.scram_for_account_passwords,
        ),
        avatars=avatars,
        throttles=throttles,
        login_tokens=JwtLoginTokens(keys),
        publisher=bus,
    )


def _later(delay_s: float, function: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay_s, function)


def _code_sender(settings: Settings) -> CodeSender:
    smtp = settings.smtp
    return SmtpCodeSender(
        smtp.host, smtp.port, smtp.security, smtp.username, smtp.password, smtp.sender
    )


def _limits(settings: MessageSettings) -> MessageLimits:
    return MessageLimits(
        text_bytes=settings.text_bytes_max,
        custom_bytes=settings.custom_bytes_max,
        content_bytes=settings.content_bytes_max,
    )


def _windows(settings: MessageSettings) -> Windows:
    return Windows(
        edit_ms=settings.edit_window_s * 1000,
        recall_ms=settings.recall_window_s * 1000,
        admin_recall_ms=settings.admin_recall_window_s * 1000,
    )
