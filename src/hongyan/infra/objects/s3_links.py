"""The port DirectLinks: URLs that carry their own signature (AWS Signature Version 4, query).

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html says how they are
signed. obstore signs too, but neither headers nor the ``response-*`` parameters.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from hongyan.domain.media.ports import Piece
from hongyan.kernel.clock import Clock

from .bucket import BucketOptions
from .objects import OBJECTS, STAGING
from .s3_staging import PART, S3Staging

ALGORITHM = "AWS4-HMAC-SHA256"
DIRECT = "direct"
CACHE = "private, no-store"


class S3Signer:
    """Signs URLs of a bucket.

    Args:
        options: The bucket, and the key that signs. ``url`` is the one clients reach.
        clock: The time of day.
    """

    def __init__(self, options: BucketOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock

    def url(
        self,
        method: str,
        key: str,
        seconds: int,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> str:
        """Return a URL that lets this request through.

        Args:
            method: GET or PUT.
            key: The object, without the bucket's prefix.
            seconds: How long it is good.
            headers: What the request must carry, names in lower case.
            parameters: Parameters of the query, such as ``response-content-type``.
        """
        options = self._options
        parts = urlsplit(options.url)
        name = f"{options.prefix}/{key}" if options.prefix else key
        path = f"/{options.bucket}/{name}" if options.path_style else f"/{name}"
        host = parts.netloc if options.path_style else f"{options.bucket}.{parts.netloc}"
        path = quote(path, safe="/-_.~")
        moment = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        time, day = moment.strftime("%Y%m%dT%H%M%SZ"), moment.strftime("%Y%m%d")
        signed = {"host": host, **(headers or {})}
        scope = f"{day}/{options.region}/s3/aws4_request"
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{options.access_key_id}/{scope}",
            "X-Amz-Date": time,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": ";".join(sorted(signed)),
            **(parameters or {}),
        }
        asked = "&".join(
            f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}"
            for name in sorted(query)
        )
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        names = ";".join(sorted(signed))
        canonical = "\n".join((method, path, asked, lines, names, "UNSIGNED-PAYLOAD"))
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join((ALGORITHM, time, scope, hashed))
        signature = hmac.new(self._key(day), text.encode(), hashlib.sha256).hexdigest()
        return f"{parts.scheme}://{host}{path}?{asked}&X-Amz-Signature={signature}"

    def _key(self, day: str) -> bytes:
        key = b"AWS4" + self._options.secret_access_key.encode()
        for word in (day, self._options.region, "s3", "aws4_request"):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        return key


class S3Links:
    """Links to the objects and the staging of one bucket.

    Args:
        staging: Says which pieces are there.
        signer: Signs.
        piece_bytes: The largest piece.
        download_s: Seconds that a download may begin in.
        upload_s: Seconds that pieces may be sent in.
    """

    def __init__(
        self,
        staging: S3Staging,
        signer: S3Signer,
        piece_bytes: int,
        download_s: int,
        upload_s: int,
    ) -> None:
        self._staging = staging
        self._signer = signer
        self._piece_bytes = piece_bytes
        self._download_s = download_s
        self._upload_s = upload_s

    def download(self, name: str, mime: str, disposition: str) -> str:
        """See ``DirectLinks.download``."""
        overrides = {
            "response-content-type": mime,
            "response-content-disposition": disposition,
            "response-cache-control": CACHE,
        }
        key = f"{OBJECTS}/{name}"
        return self._signer.url("GET", key, self._download_s, parameters=overrides)

    async def missing(self, upload_id: str, length_bytes: int) -> tuple[Piece, ...]:
        """See ``DirectLinks.missing``."""
        there = {(part.first, part.end) for part in await self._staging.parts(upload_id)}
        firsts = range(0, length_bytes, self._piece_bytes)
        spans = [(first, min(first + self._piece_bytes, length_bytes)) for first in firsts]
        return tuple(self._piece(upload_id, *span) for span in spans if span not in there)

    def _piece(self, upload_id: str, first: int, end: int) -> Piece:
        key = f"{STAGING}/{upload_id}/{PART}-{first}-{end}-{DIRECT}"
        length = {"content-length": str(end - first)}
        url = self._signer.url("PUT", key, self._upload_s, headers=length)
        return Piece(first, end - first, url)
