"""Reading media: details, links, bytes, and having what one can read already."""

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import Bump, Commit, Precondition, Put
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Busy
from hongyan.kernel.ids import ConversationId, LogId, UserId, new_token_id
from hongyan.kernel.turns import Turns

from .access import MediaAccess, Place
from .commands import (
    ClaimMedia,
    GetMedia,
    GetUsage,
    MakeTicket,
    NoSuchMedia,
    Opened,
    OpenMedia,
    RedeemTicket,
    Ticket,
    TicketExpired,
    Usage,
)
from .model import (
    VARIANT_MIME,
    Doomed,
    MediaCheck,
    MediaInfo,
    MediaItem,
    MediaUsage,
    Variant,
    content_log,
    media_info,
    object_name,
    usage_log,
)
from .ports import Tickets
from .rules import DEFAULT_LIMITS, MediaLimits, check_quota, check_sha256, clean_name

CANDIDATES_MAX = 20
PATH = "/api/v1/media/"
"""The path under which the HTTP server offers media."""


class MediaService:
    """Answers ``media.*``.

    Args:
        log: The guards.
        records: The media.
        clock: The time of day.
        access: Who may read what.
        tickets: Signs links.
        turns: One at a time for each content, shared by the media services.
        limits: How much may be kept.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        access: MediaAccess,
        tickets: Tickets,
        turns: Turns,
        limits: MediaLimits = DEFAULT_LIMITS,
    ) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._access = access
        self._tickets = tickets
        self._turns = turns
        self._limits = limits

    @handles(GetMedia)
    async def get(self, actor: Actor, command: GetMedia) -> MediaInfo:
        """Answer ``GetMedia``."""
        seen = _seen(command.conversation_id, command.seq)
        return media_info(await self._access.item(actor.user_id, command.media_id, seen))

    @handles(OpenMedia)
    async def open(self, actor: Actor, command: OpenMedia) -> Opened:
        """Answer ``OpenMedia``."""
        seen = _seen(command.conversation_id, command.seq)
        item = await self._access.item(actor.user_id, command.media_id, seen)
        _check_variant(item, command.variant)
        name = object_name(item.sha256, command.variant)
        if not command.variant:
            etag, size_bytes = item.sha256, item.size_bytes
            return Opened(name, etag, size_bytes, item.mime, item.name, item.is_plain)
        stem = item.name.rpartition(".")[0] or item.name
        etag = f"{item.sha256}.{command.variant}"
        return Opened(name, etag, -1, VARIANT_MIME, f"{stem}.{command.variant}.webp", True)

    @handles(MakeTicket)
    async def ticket(self, actor: Actor, command: MakeTicket) -> Ticket:
        """Answer ``MakeTicket``."""
        conversation_id = _seen(command.conversation_id, command.seq)
        item = await self._access.item(actor.user_id, command.media_id, conversation_id)
        _check_variant(item, command.variant)
        expires_at_s = self._clock.now_ms() // 1000 + self._limits.ticket_s
        signed = self._tickets.sign(actor.user_id, item.media_id, expires_at_s)
        query = [f"ticket={signed}", "inline=1"]
        query += [f"variant={command.variant}"] if command.variant else []
        for log_id, seq in conversation_id:
            query += [f"conversation_id={log_id}", f"seq={seq}"]
        return Ticket(f"{PATH}{item.media_id}?{'&'.join(query)}", expires_at_s * 1000)

    @handles(RedeemTicket)
    async def redeem(self, _actor: Actor, command: RedeemTicket) -> UserId:
        """Answer ``RedeemTicket``."""
        now_s = self._clock.now_ms() // 1000
        user_id = self._tickets.read(command.ticket, command.media_id, now_s)
        user = await self._records.get(User, user_id) if user_id is not None else None
        if user is None or user.state != "active":
            raise TicketExpired
        return user.user_id

    @handles(GetUsage)
    async def usage(self, actor: Actor, _command: GetUsage) -> Usage:
        """Answer ``GetUsage``."""
        row = await usage_of(self._records, actor.user_id)
        limits = self._limits
        return Usage(row.used_bytes, row.reserved_bytes, limits.quota_bytes, limits.file_bytes)

    @handles(ClaimMedia)
    async def claim(self, actor: Actor, command: ClaimMedia) -> MediaInfo:
        """Answer ``ClaimMedia``."""
        check_sha256(command.sha256)
        me, sha256, media_id = actor.user_id, command.sha256, "m" + new_token_id()
        claimed: list[MediaItem] = []

        async def attempt() -> Commit:
            guards = (content_log(sha256), usage_log(me))
            heads = await self._log.states(guards)
            source = await self._readable(me, sha256, command.size_bytes)
            if await self._records.get(Doomed, sha256) is not None:
                raise Busy
            usage = await usage_of(self._records, me)
            check_quota(usage, source.size_bytes, self._limits)
            claimed[:] = [self._copy(source, media_id, me, command.name)]
            return Commit(
                changes=(
                    Put(claimed[0]),
                    Put(first_check(claimed[0], self._limits)),
                    Put(charged(usage, source.size_bytes)),
                    *(Bump(guard) for guard in guards),
                ),
                preconditions=tuple(Precondition(guard, heads[guard].version) for guard in guards),
            )

        async with self._turns.of(object_name(sha256)):
            await decide(self._log, attempt)
        return media_info(claimed[0])

    async def _readable(self, user_id: UserId, sha256: str, size_bytes: int) -> MediaItem:
        """Return a media of this content that the user can read: first of all one's own."""
        own = await self._records.scan(MediaItem, sha256, user_id, by="by_content", limit=1)
        others = await self._records.scan(MediaItem, sha256, by="by_content", limit=CANDIDATES_MAX)
        for item in (*own, *others):
            if item.size_bytes == size_bytes and await self._access.may_read(user_id, item):
                return item
        raise NoSuchMedia

    def _copy(self, source: MediaItem, media_id: str, owner_id: UserId, name: str) -> MediaItem:
        return MediaItem(
            media_id=media_id,
            owner_id=owner_id,
            sha256=source.sha256,
            size_bytes=source.size_bytes,
            mime=source.mime,
            name=clean_name(name),
            state=source.state,
            is_plain=source.is_plain,
            facts=source.facts,
            created_at_ms=self._clock.now_ms(),
        )


async def usage_of(records: Records, user_id: UserId) -> MediaUsage:
    """Return how much a user keeps."""
    return await records.get(MediaUsage, user_id) or MediaUsage(user_id=user_id)


def charged(usage: MediaUsage, more_bytes: int, released: int = 0, uploads: int = 0) -> MediaUsage:
    """Return the usage with more bytes used, and with what an upload no longer holds."""
    return MediaUsage(
        user_id=usage.user_id,
        used_bytes=max(0, usage.used_bytes + more_bytes),
        reserved_bytes=max(0, usage.reserved_bytes - released),
        uploads=max(0, usage.uploads - uploads),
    )


def first_check(item: MediaItem, limits: MediaLimits) -> MediaCheck:
    """Return when a new media is looked at for the first time."""
    return MediaCheck(media_id=item.media_id, due_at_ms=item.created_at_ms + limits.unused_ms)


def _seen(conversation_id: ConversationId, seq: int) -> tuple[Place, ...]:
    return ((LogId(conversation_id), seq),) if conversation_id and seq > 0 else ()


def _check_variant(item: MediaItem, variant: Variant) -> None:
    if variant and variant not in item.facts.variants:
        raise NoSuchMedia("There is no such smaller picture of this file.")
