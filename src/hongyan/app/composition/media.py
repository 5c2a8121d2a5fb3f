"""The media service, put together from settings and its adapters."""

from hongyan.app.settings.sections import Secrets, Settings
from hongyan.app.settings.storage import FileSettings
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.log.readers import Job
from hongyan.domain.media.access import MediaAccess
from hongyan.domain.media.collecting import Collecting
from hongyan.domain.media.direct import DirectUploads
from hongyan.domain.media.media import MediaService
from hongyan.domain.media.ports import MessageVisibility
from hongyan.domain.media.processing import Processing
from hongyan.domain.media.rules import MediaLimits
from hongyan.domain.media.uploads import Uploads
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.media.prober import WorkerLimits, WorkerProber
from hongyan.infra.security.tickets import HmacTickets
from hongyan.kernel.clock import Clock
from hongyan.kernel.turns import Turns

from .objects import open_objects


class MediaParts:
    """Everything that has to do with files.

    Args:
        settings: What an operator may set.
        secrets: The server's own secrets.
        log: Where changes go.
        records: The rows.
        bus: Serves the services.
        clock: The time of day.
        visibility: Who sees which message.

    Attributes:
        access: Judges who may read what, and lends files to messages and avatars.
        bytes: Where the bytes are.
        processing: Makes previews.
        jobs: What is done again and again; for the runtime.
    """

    jobs: tuple[Job, ...]

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        log: Log,
        records: Records,
        bus: LocalBus,
        clock: Clock,
        visibility: MessageVisibility,
    ) -> None:
        files = settings.files
        limits, turns = _limits(files), Turns()
        self.bytes = open_objects(settings, clock)
        staging, objects = self.bytes.staging, self.bytes.objects
        self.prober = WorkerProber(_worker_limits(files))
        self.access = MediaAccess(log, records, clock, visibility, limits)
        tickets = HmacTickets(bytes.fromhex(secrets.access_token_key))
        uploads = Uploads(log, records, clock, staging, objects, self.prober, turns, limits)
        self.processing = Processing(log, records, clock, objects, self.prober, files.workers)
        collecting = Collecting(log, records, objects, uploads, turns)
        links, link_s = self.bytes.upload_links, settings.objects.upload_link_s
        for part in (
            MediaService(log, records, clock, self.access, tickets, turns, limits),
            self.access,
            uploads,
            DirectUploads(records, clock, uploads, links, link_s),
        ):
            bus.serve(part)
        self.jobs = (
            Job("media-previews", self.processing.run),
            Job("media-collecting", collecting.run),
        )

    async def close(self) -> None:
        """End the workers."""
        await self.prober.close()


def _limits(files: FileSettings) -> MediaLimits:
    return MediaLimits(
        file_bytes=files.file_bytes_max,
        quota_bytes=files.quota_bytes,
        uploads=files.uploads_max,
        upload_expiry_ms=files.upload_expiry_s * 1000,
        unused_ms=files.unused_s * 1000,
        ticket_s=files.ticket_s,
        refused_types=files.refused_types,
    )


def _worker_limits(files: FileSettings) -> WorkerLimits:
    return WorkerLimits(
        workers=files.workers,
        memory_bytes=files.worker_memory_bytes,
        cpu_s=files.worker_cpu_s,
        time_s=files.worker_time_s,
        pixels=files.image_pixels_max,
    )
