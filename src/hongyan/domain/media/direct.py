"""Uploads whose bytes go from the client to the bucket without passing us."""

from msgspec import structs

from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Invalid

from .commands import AdvanceUpload, CreateUpload, UploadInfo
from .commands_direct import (
    BeginDirectUpload,
    DirectOff,
    DirectUpload,
    FinishDirectUpload,
    ResumeDirectUpload,
)
from .model import MediaInfo, MediaItem, Upload, media_info
from .ports import DirectLinks
from .rules import check_sha256
from .uploads import Uploads


class DirectUploads:
    """Answers ``media.direct_*``.

    Args:
        records: The media.
        clock: The time of day.
        uploads: Announces and completes uploads.
        links: Makes the links; None where clients may not reach the bucket.
        link_s: Seconds that they are good.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        uploads: Uploads,
        links: DirectLinks | None,
        link_s: int,
    ) -> None:
        self._records = records
        self._clock = clock
        self._uploads = uploads
        self._links = links
        self._link_s = link_s

    @handles(BeginDirectUpload)
    async def begin(self, actor: Actor, command: BeginDirectUpload) -> DirectUpload:
        """Answer ``BeginDirectUpload``."""
        self._offered()
        create = CreateUpload(length_bytes=command.length_bytes, name=command.name)
        return await self._described(await self._uploads.create(actor, create))

    @handles(ResumeDirectUpload)
    async def resume(self, actor: Actor, command: ResumeDirectUpload) -> DirectUpload:
        """Answer ``ResumeDirectUpload``."""
        self._offered()
        upload = await self._uploads.own(actor.user_id, command.upload_id)
        return await self._described(upload)

    @handles(FinishDirectUpload)
    async def finish(self, actor: Actor, command: FinishDirectUpload) -> MediaInfo:
        """Answer ``FinishDirectUpload``."""
        if command.sha256:
            check_sha256(command.sha256)
        links = self._offered()
        upload = await self._uploads.own(actor.user_id, command.upload_id)
        if not upload.media_id:
            missing = await links.missing(upload.upload_id, upload.length_bytes)
            if missing:
                raise Invalid("Pieces of this file are missing.", missing=len(missing))
            advance = AdvanceUpload(upload_id=upload.upload_id, offset_bytes=upload.length_bytes)
            await self._uploads.advance(actor, advance)
            arrived = structs.replace(upload, offset_bytes=upload.length_bytes)
            upload = await self._uploads.complete(arrived, command.sha256)
        item = await self._records.get(MediaItem, upload.media_id)
        if item is None:
            raise Invalid("This file is gone already: nothing used it.")
        return media_info(item)

    def _offered(self) -> DirectLinks:
        if self._links is None:
            raise DirectOff
        return self._links

    async def _described(self, upload: UploadInfo | Upload) -> DirectUpload:
        pieces = (
            ()
            if upload.media_id
            else await self._offered().missing(upload.upload_id, upload.length_bytes)
        )
        return DirectUpload(
            upload.upload_id,
            upload.length_bytes,
            min(upload.expires_at_ms, self._clock.now_ms() + self._link_s * 1000),
            pieces,
            upload.media_id,
        )
