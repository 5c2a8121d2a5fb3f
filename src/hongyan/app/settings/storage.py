"""The settings of what is kept, and of those who watch over it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .types import AddressOrNone, Count, CountOrNone, PositiveSeconds, Secret


class FileSettings(Struct, frozen=True, kw_only=True):
    """Files that people send: how much, and what may be used up to look into them."""

    file_bytes_max: Count = 2 * 1024**3
    """The largest file, in bytes."""
    quota_bytes: CountOrNone = 10 * 1024**3
    """Bytes that all files of one user may take together, uploads under way included.
    Files that no message shows any more do not count after a day. 0 means no limit."""
    uploads_max: Count = 100
    """Uploads that one user may have under way."""
    upload_expiry_s: Annotated[int, Meta(ge=60)] = 86_400
    """Seconds after its last byte in which an upload can be resumed; then it is forgotten."""
    upload_idle_s: PositiveSeconds = 30.0
    """Seconds without a byte after which a request that sends a file is given up. What came
    is kept."""
    unused_s: Annotated[int, Meta(ge=60)] = 86_400
    """Seconds that a file is kept which no message, scheduled message or avatar shows."""
    refused_types: tuple[str, ...] = ()
    """Types that are not taken, such as ``application/x-executable`` or ``video/*``, as the
    bytes show them: names do not count."""
    ticket_s: Annotated[int, Meta(ge=10, le=86_400)] = 600
    """Seconds that a link is good by which a browser shows a file."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Processes that make previews; each looks into one file at a time."""
    worker_memory_bytes: Annotated[int, Meta(ge=256 * 1024**2)] = 1024**3
    """Address space of such a process. A file that needs more gets no preview."""
    worker_cpu_s: Count = 20
    """Seconds of computing for one file's preview."""
    worker_time_s: PositiveSeconds = 30.0
    """Seconds in which a preview must be made."""
    image_pixels_max: Count = 100_000_000
    """Pixels of the largest picture that is decoded for a preview."""


class ObjectSettings(Struct, frozen=True, kw_only=True):
    """The place of the bytes of files. ``docs/operate/objects.md`` says how to set up a bucket."""

    store: Literal["folder", "s3"] = "folder"
    """``folder``: below ``files`` in the data folder. ``s3``: in a bucket, which several servers
    can share."""
    url: str = ""
    """The S3 service as this server reaches it: ``https://HOST`` or ``http://HOST:PORT``."""
    public_url: str = ""
    """The same as clients reach it, for direct links. Empty: as ``url``."""
    bucket: str = ""
    """The bucket. It must be there, and be public to nobody."""
    region: str = "us-east-1"
    """The bucket's region; it goes into signatures."""
    prefix: str = ""
    """Before the names of all objects. Empty: none."""
    access_key_id: str = ""
    """The id of the key for the S3 service."""
    secret_access_key: Secret = ""
    """The key's secret. Better in the environment than in a file."""
    path_style: bool = True
    """Whether the bucket stands in the path of URLs (most services of one's own) or in the
    host's name."""
    direct_downloads: bool = False
    """Whether who may read a file is sent to the bucket for it, by a link that is good for
    ``download_link_s``. Takes the bytes off this server."""
    direct_uploads: bool = False
    """Whether clients may send files to the bucket themselves (``media.direct_begin``)."""
    download_link_s: Annotated[int, Meta(ge=1, le=3_600)] = 60
    """Seconds in which a download by such a link must have begun. Whoever gets the link in that
    time can use it, also after a recall."""
    upload_link_s: Annotated[int, Meta(ge=60, le=86_400)] = 3_600
    """Seconds in which a piece may be sent by such a link; a client may ask for new ones."""
    piece_bytes: Annotated[int, Meta(ge=1024**2, le=5 * 1024**3)] = 64 * 1024**2
    """The largest piece of a file that is sent by one link."""


class StorageSettings(Struct, frozen=True, kw_only=True):
    """The database."""

    commit_queue_max: Count = 100_000
    """Commits that may wait for the disk; one more is refused as ``busy``."""
    reader_threads: Annotated[int, Meta(ge=1, le=64)] = 4
    """Threads that read the database."""


class TracingSettings(Struct, frozen=True, kw_only=True):
    """OpenTelemetry traces of a few requests, from the socket to the recipients."""

    url: str = ""
    """The URL of a collector that takes OTLP over HTTP, such as ``http://127.0.0.1:4318``. Empty:
    no traces, at no cost. It needs the packages of ``hongyan[traces]``."""
    share: Annotated[float, Meta(ge=0, le=1)] = 0.01
    """The share of requests on WebSockets that are followed."""


class MetricsSettings(Struct, frozen=True, kw_only=True):
    """Health and metrics, for those who watch over the server. Nobody reaches them by default."""

    listen: AddressOrNone = ""
    """The address of ``/metrics``, ``/healthz`` and ``/readyz`` on a port of their own, such as
    127.0.0.1:9464. Let no proxy for clients lead there. Empty: nowhere."""
    token: Secret = ""
    """The token that Prometheus must send as ``Authorization: Bearer``. With it, ``/metrics`` is
    also served where clients come; ``listen`` asks for it too. Empty: not served there."""
