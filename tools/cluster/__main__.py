"""``make cluster``: start one, say where it is, and stop it at Ctrl-C."""

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.engines.seaweed import Seaweed

from .cluster import Cluster


def main() -> int:
    """Run a cluster until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where everything is kept; a temporary one")
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--backends", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    parser.add_argument("--no-s3", action="store_true", help="files go to the folder instead")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="hongyan-cluster-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            print(f"Starting a cluster in {folder} ...", flush=True)
            run(folder, options, stack)
        except KeyboardInterrupt:
            print("\nStopping ...", flush=True)
    return 0


def run(folder: Path, options: argparse.Namespace, stack: ExitStack) -> None:
    """Start everything, say where it is, and wait for ever."""
    settings = dict(one.split("=", 1) for one in options.set)
    if not options.no_s3:
        seaweed = Seaweed(folder / "s3")
        stack.callback(seaweed.stop)
        settings = dict(one.split("=", 1) for one in seaweed.settings()) | settings
    cluster = Cluster(folder, options.gateways, options.backends, options.workers, settings)
    stack.callback(cluster.stop)
    cluster.start()
    tell(cluster)
    signal.pause()


def tell(cluster: Cluster) -> None:
    """Say where it is and what to do next."""
    script = cluster.write_script()
    print(f"The cluster is ready: {cluster.url}")
    for node in cluster.nodes():
        where = f" at {node.url}" if node.port else ""
        print(f"  {node.name}: pid {node.pid}{where}")
    print(f"NATS {cluster.nats.url}, Redis {cluster.redis.url}")
    if "objects.url" in cluster.settings:
        print(f"S3 {cluster.settings['objects.url']}, bucket {cluster.settings['objects.bucket']}")
    print("In another terminal,")
    print(f"  make an administrator:  {script} user create NAME --admin")
    print(f"  chat:                   {script} chat --url {cluster.url}")
    print("Ctrl-C stops all of it.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
