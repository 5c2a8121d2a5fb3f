"""SeaweedFS: a real S3 service, from a package that ships its program."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

from hongyan.infra.objects.bucket import BucketOptions
from hongyan.infra.objects.s3_links import S3Signer
from hongyan.kernel.clock import SystemClock

from .host import LOOPBACK, Host
from .process import Process, free_ports

WEED = Path(sys.executable).parent / "weed"
KEY, SECRET = "tests-key", "tests-secret-that-is-long-enough"
BUCKET = "hongyan"


class Seaweed:
    """One S3 service with one bucket and one key; nobody else may enter.

    Args:
        folder: Its data.
        host: Where it runs.
    """

    def __init__(self, folder: Path, host: Host = LOOPBACK) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc, iceberg, lance = (
            free_ports(10)
        )
        self.url = f"http://{host.address}:{s3}"
        config = folder / "s3.json"
        keys = [{"accessKey": KEY, "secretKey": SECRET}]
        identity = {"name": "hongyan", "credentials": keys, "actions": ["Admin", "Read", "Write"]}
        config.write_text(json.dumps({"identities": [identity]}))
        flags = {
            "dir": folder,
            "ip": host.address,
            "ip.bind": host.address,
            "master.port": master,
            "master.port.grpc": master_grpc,
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64,
            "volume.port": volume,
            "volume.port.grpc": volume_grpc,
            "volume.max": 40,
            "volume.preStopSeconds": 0,
            "filer.port": filer,
            "filer.port.grpc": filer_grpc,
            "s3": "true",
            "s3.port": s3,
            "s3.port.grpc": s3_grpc,
            "s3.port.iceberg": iceberg,
            "s3.port.lance": lance,
            "s3.config": config,
        }
        options = (f"-{name}={value}" for name, value in flags.items())
        command = [*host.prefix, str(WEED), "server", *options]
        self.process = Process("seaweedfs", command, folder / "weed.log")
        self.process.wait_for(self._makes_bucket, 90)

    @property
    def options(self) -> BucketOptions:
        """What reaches the bucket."""
        return BucketOptions(
            url=self.url, bucket=BUCKET, access_key_id=KEY, secret_access_key=SECRET
        )

    def settings(self, *more: str) -> tuple[str, ...]:
        """Return settings of a server that keeps its files here."""
        return (
            "objects.store=s3",
            f"objects.url={self.url}",
            f"objects.bucket={BUCKET}",
            f"objects.access_key_id={KEY}",
            f"objects.secret_access_key={SECRET}",
            *more,
        )

    def stop(self) -> None:
        """Stop it: it writes what it has at once, then waits for its own parts without end."""
        self.process.stop(seconds=1)

    def _makes_bucket(self) -> bool:
        signer = S3Signer(self.options, SystemClock())
        try:
            for key in ("", "ready"):
                request = urllib.request.Request(signer.url("PUT", key, 60), method="PUT", data=b"")
                urllib.request.urlopen(request, timeout=10).close()
        except urllib.error.HTTPError as error:
            return error.code == 409 and key == ""
        except OSError:
            return False
        return True
