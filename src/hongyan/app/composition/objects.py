"""Object storage, as the settings choose: a folder of this machine, or a bucket."""

from urllib.parse import urlsplit

from msgspec import Struct
from obstore.store import S3Store

from hongyan.app.settings.sections import Settings, SettingsError
from hongyan.app.settings.storage import ObjectSettings
from hongyan.domain.media.ports import DirectLinks, Downloads, Objects, Staging
from hongyan.infra.objects.bucket import BucketOptions, open_bucket
from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.objects.s3 import S3Objects
from hongyan.infra.objects.s3_links import S3Links, S3Signer
from hongyan.infra.objects.s3_staging import S3Staging
from hongyan.infra.objects.staging import FolderStaging
from hongyan.kernel.clock import Clock

FOLDER = "files"
SPOOL = "spool"


class ObjectParts(Struct, frozen=True):
    """The parts of object storage. They need no database."""

    staging: Staging
    objects: Objects
    downloads: Downloads
    """The same objects, for the access layer."""
    download_links: DirectLinks | None = None
    """None where clients get the bytes from us."""
    upload_links: DirectLinks | None = None
    """None where clients send the bytes to us."""


def open_objects(settings: Settings, clock: Clock) -> ObjectParts:
    """Return what the settings choose; a bucket is not asked yet.

    Raises:
        SettingsError: a bucket's url, name or keys are missing.
    """
    chosen, folder = settings.objects, settings.data_dir / FOLDER
    if chosen.store == "folder":
        objects = FolderObjects(folder)
        return ObjectParts(FolderStaging(folder), objects, objects)
    options = _options(chosen)
    store = open_bucket(options)
    staging, kept = S3Staging(store, folder / SPOOL), S3Objects(store, folder / SPOOL)
    public = _options(chosen, chosen.public_url or chosen.url)
    links = S3Links(
        staging,
        S3Signer(public, clock),
        chosen.piece_bytes,
        chosen.download_link_s,
        chosen.upload_link_s,
    )
    return ObjectParts(
        staging,
        kept,
        kept,
        links if chosen.direct_downloads else None,
        links if chosen.direct_uploads else None,
    )


def open_target(settings: Settings) -> S3Store | None:
    """Return the bucket that files are moved to, or None where the settings choose the folder.

    Raises:
        SettingsError: its url, name or keys are missing.
    """
    return open_bucket(_options(settings.objects)) if settings.objects.store == "s3" else None


def _options(chosen: ObjectSettings, url: str = "") -> BucketOptions:
    for name in ("url", "bucket", "access_key_id", "secret_access_key"):
        if not getattr(chosen, name):
            raise SettingsError(f"objects.{name} is empty; a bucket needs it")
    return BucketOptions(
        url=url or chosen.url,
        bucket=chosen.bucket,
        access_key_id=chosen.access_key_id,
        secret_access_key=chosen.secret_access_key,
        region=chosen.region,
        prefix=chosen.prefix.strip("/"),
        path_style=chosen.path_style,
    )


def storage_origin(settings: Settings) -> str:
    """Return the origin at which the web client reaches the bucket; empty where it does not."""
    chosen = settings.objects
    if chosen.store != "s3" or not (chosen.direct_downloads or chosen.direct_uploads):
        return ""
    parts = urlsplit(chosen.public_url or chosen.url)
    host = parts.netloc if chosen.path_style else f"{chosen.bucket}.{parts.netloc}"
    return f"{parts.scheme}://{host}"
