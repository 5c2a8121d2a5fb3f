"""Uploads: from the announcement of a file to the media that it becomes."""

from msgspec import structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Append,
    Bump,
    Change,
    Commit,
    Drop,
    Precondition,
    Put,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Busy, Invalid, LimitReached, NotFound
from hongyan.kernel.ids import SYSTEM, UserId, new_token_id, user_log
from hongyan.kernel.limits import check_length, check_range
from hongyan.kernel.turns import Turns

from .commands import (
    AdvanceUpload,
    CancelUpload,
    CreateUpload,
    FinishUpload,
    GetUpload,
    NoSuchUpload,
    UnsupportedType,
    UploadInfo,
)
from .commands_direct import WrongContent
from .media import charged, first_check, usage_of
from .model import (
    MEDIA_READY,
    Doomed,
    MediaItem,
    MediaUsage,
    Upload,
    content_log,
    media_info,
    object_name,
    upload_log,
    usage_log,
)
from .ports import Objects, Prober, Sealed, Sniffed, Staging
from .rules import DEFAULT_LIMITS, MediaLimits, check_quota, clean_name, is_refused

NAME_MAX = 4096


class Uploads:
    """Answers ``upload.*``; the server that takes the bytes asks them.

    Args:
        log: The guards.
        records: The uploads.
        clock: The time of day.
        staging: The bytes that came so far.
        objects: Where complete files go.
        prober: Finds types.
        turns: One at a time for each content, shared by the media services.
        limits: How much may come.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        staging: Staging,
        objects: Objects,
        prober: Prober,
        turns: Turns,
        limits: MediaLimits = DEFAULT_LIMITS,
    ) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._staging = staging
        self._objects = objects
        self._prober = prober
        self._turns = turns
        self._limits = limits

    @handles(CreateUpload)
    async def create(self, actor: Actor, command: CreateUpload) -> UploadInfo:
        """Answer ``CreateUpload``."""
        me, length = actor.user_id, command.length_bytes
        check_range("length_bytes", length, 0, 2**53)
        check_length("name", command.name, NAME_MAX)
        upload = Upload(
            upload_id="p" + new_token_id(),
            owner_id=me,
            length_bytes=length,
            name=clean_name(command.name),
            expires_at_ms=self._expiry(),
        )

        async def attempt() -> Commit:
            guard = await self._guard(me)
            usage = await usage_of(self._records, me)
            check_quota(usage, length, self._limits)
            if usage.uploads >= self._limits.uploads:
                raise LimitReached("Too many uploads are under way.", limit=self._limits.uploads)
            more = MediaUsage(
                user_id=me,
                used_bytes=usage.used_bytes,
                reserved_bytes=usage.reserved_bytes + length,
                uploads=usage.uploads + 1,
            )
            return Commit(
                changes=(Put(upload), Put(more), Bump(guard.log_id)), preconditions=(guard,)
            )

        async with self._turns.of(usage_log(me)):
            await decide(self._log, attempt)
        return _info(upload)

    @handles(GetUpload)
    async def get(self, actor: Actor, command: GetUpload) -> UploadInfo:
        """Answer ``GetUpload``."""
        return _info(await self.own(actor.user_id, command.upload_id))

    @handles(AdvanceUpload)
    async def advance(self, actor: Actor, command: AdvanceUpload) -> UploadInfo:
        """Answer ``AdvanceUpload``."""
        moved: list[Upload] = []

        async def attempt() -> Commit:
            logs = (usage_log(actor.user_id), upload_log(command.upload_id))
            heads = await self._log.states(logs)
            upload = await self.own(actor.user_id, command.upload_id)
            offset = max(upload.offset_bytes, min(command.offset_bytes, upload.length_bytes))
            moved[:] = [structs.replace(upload, offset_bytes=offset, expires_at_ms=self._expiry())]
            return Commit(
                changes=(Put(moved[0]), Bump(logs[1])),
                preconditions=tuple(Precondition(log_id, heads[log_id].version) for log_id in logs),
            )

        await decide(self._log, attempt)
        return _info(moved[0])

    @handles(FinishUpload)
    async def finish(self, actor: Actor, command: FinishUpload) -> UploadInfo:
        """Answer ``FinishUpload``."""
        upload = await self.own(actor.user_id, command.upload_id)
        if upload.media_id:
            return _info(upload)
        if upload.offset_bytes != upload.length_bytes:
            raise Invalid("Bytes of this upload are missing.", offset=upload.offset_bytes)
        if not upload.length_bytes:
            part = await self._staging.open(upload.upload_id, 0)
            await part.close()
        return _info(await self.complete(upload))

    async def complete(self, upload: Upload, sha256: str = "") -> Upload:
        """Make a media of an upload whose bytes are all there.

        Args:
            upload: Which.
            sha256: What the bytes should be; empty for whatever they are.

        Raises:
            WrongContent: they are something else; the upload stays.
            UnsupportedType: the server takes no files of this type; the upload is gone.
        """
        sealed = await self._staging.seal(upload.upload_id, upload.length_bytes)
        if sha256 and sha256 != sealed.sha256:
            raise WrongContent(sha256=sealed.sha256)
        sniffed = await self._prober.sniff(*await self._staging.ends(sealed))
        if is_refused(sniffed.mime, self._limits.refused_types):
            await self._forget(upload)
            raise UnsupportedType(mime=sniffed.mime)
        finished = await self._make(upload, sealed, sniffed)
        await self._staging.remove(upload.upload_id)
        return finished

    async def _make(self, upload: Upload, sealed: Sealed, sniffed: Sniffed) -> Upload:
        """Make the media, and return the upload that names it."""
        media_id, owner, sha256 = "m" + new_token_id(), upload.owner_id, sealed.sha256
        finished = upload

        async def attempt() -> Commit:
            nonlocal finished
            guards = (content_log(sha256), usage_log(owner))
            heads = await self._log.states(guards)
            finished = await self.own(owner, upload.upload_id)
            if finished.media_id:
                return Commit()
            if await self._records.get(Doomed, sha256) is not None:
                raise Busy
            await self._objects.keep(sealed, object_name(sha256))
            item = await self._item(upload, media_id, sha256, sniffed)
            usage = await usage_of(self._records, owner)
            length = upload.length_bytes
            finished = structs.replace(
                upload, offset_bytes=length, expires_at_ms=self._expiry(), media_id=media_id
            )
            changes: tuple[Change, ...] = (
                Put(item),
                Put(first_check(item, self._limits)),
                Put(finished),
                Put(charged(usage, length, released=length, uploads=1)),
                *(Bump(guard) for guard in guards),
            )
            preconditions = tuple(Precondition(guard, heads[guard].version) for guard in guards)
            told = () if item.state == "processing" else (ready_entry(item, self._clock),)
            return Commit(told, changes, preconditions)

        async with self._turns.of(object_name(sha256)):
            await decide(self._log, attempt)
        return finished

    async def _item(
        self, upload: Upload, media_id: str, sha256: str, sniffed: Sniffed
    ) -> MediaItem:
        """Return the media; what is known of the same bytes already is known of it."""
        known = await self._records.scan(MediaItem, sha256, by="by_content", limit=1)
        twin = known[0] if known and known[0].state != "processing" else None
        item = MediaItem(
            media_id=media_id,
            owner_id=upload.owner_id,
            sha256=sha256,
            size_bytes=upload.length_bytes,
            mime=sniffed.mime,
            name=upload.name,
            state="processing" if sniffed.is_probed else "ready",
            is_plain=sniffed.is_plain,
            created_at_ms=self._clock.now_ms(),
        )
        return item if twin is None else like(item, twin)

    @handles(CancelUpload)
    async def cancel(self, actor: Actor, command: CancelUpload) -> Done:
        """Answer ``CancelUpload``."""
        await self._forget(await self.own(actor.user_id, command.upload_id))
        return DONE

    async def expire(self, now_ms: int, limit: int = 100) -> int:
        """Forget uploads whose time is over; return how many."""
        found = await self._records.scan(Upload, by="by_expiry", limit=limit)
        due = [upload for upload in found if upload.expires_at_ms <= now_ms]
        for upload in due:
            await self._forget(upload)
        return len(due)

    async def _forget(self, upload: Upload) -> None:
        owner = upload.owner_id

        async def attempt() -> Commit:
            guard = await self._guard(owner)
            there = await self._records.get(Upload, upload.upload_id)
            if there is None:
                return Commit()
            changes: list[Change] = [Drop(Upload, there.key()), Bump(guard.log_id)]
            if not there.media_id:
                usage = await usage_of(self._records, owner)
                changes.append(Put(charged(usage, 0, there.length_bytes, 1)))
                await self._doom_unfinished(there, changes)
            return Commit(changes=tuple(changes), preconditions=(guard,))

        async with self._turns.of(usage_log(owner)):
            await decide(self._log, attempt)
        await self._staging.remove(upload.upload_id)

    async def _doom_unfinished(self, upload: Upload, changes: list[Change]) -> None:
        """Let the object go that a crash may have left while the upload was being finished."""
        if upload.offset_bytes != upload.length_bytes:
            return
        try:
            sealed = await self._staging.seal(upload.upload_id, upload.length_bytes)
        except NotFound:
            return
        if not await self._records.count(MediaItem, sealed.sha256, by="by_content"):
            changes += [Put(Doomed(sha256=sealed.sha256)), Bump(content_log(sealed.sha256))]

    async def own(self, user_id: UserId, upload_id: str) -> Upload:
        """Return an upload of the user's.

        Raises:
            NoSuchUpload: there is none.
        """
        upload = await self._records.get(Upload, upload_id)
        if upload is None or upload.owner_id != user_id:
            raise NoSuchUpload
        return upload

    async def _guard(self, user_id: UserId) -> Precondition:
        guard = usage_log(user_id)
        return Precondition(guard, (await self._log.states([guard]))[guard].version)

    def _expiry(self) -> int:
        return self._clock.now_ms() + self._limits.upload_expiry_ms


def like(item: MediaItem, twin: MediaItem) -> MediaItem:
    """Return the media with what is known of another one of the same bytes."""
    return structs.replace(
        item, state=twin.state, mime=twin.mime, is_plain=twin.is_plain, facts=twin.facts
    )


def ready_entry(item: MediaItem, clock: Clock) -> Append:
    """Return the entry that says to the owner's devices what is known of a media."""
    body = encode_body(media_info(item))
    return Append(user_log(item.owner_id), MEDIA_READY, SYSTEM, body, clock.now_ms())


def _info(upload: Upload) -> UploadInfo:
    return UploadInfo(
        upload.upload_id,
        upload.length_bytes,
        upload.offset_bytes,
        upload.expires_at_ms,
        upload.media_id,
    )
