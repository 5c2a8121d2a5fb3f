"""The worker: a process that looks into one file at a time, within limits.

``python -m hongyan.infra.media.worker MEMORY_BYTES CPU_S PIXELS_MAX``. It reads requests from
its standard input and writes answers to its standard output, each a length of four bytes and
MessagePack. A file that it cannot look into is answered with an error; one that breaks the
process ends it, and the server starts another. It opens the files it is asked for and writes none.
"""

import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from hongyan.domain.media.model import MediaDetails, Variant
from hongyan.domain.media.ports import Probed

NICENESS = 10
FILES_MAX = 64


class ProbeJob(Struct, frozen=True):
    """Look into this file."""

    path: str
    mime: str


class ProbeAnswer(Struct, frozen=True, omit_defaults=True):
    """The result of a probe, or why there is none."""

    facts: MediaDetails = MediaDetails()
    mime: str = ""
    pictures: Mapping[Variant, bytes] = {}
    """A worker is not to be trusted: the names are checked when this is decoded."""
    error: str = ""


def probe(job: ProbeJob, pixels_max: int) -> Probed:
    """Look into one file.

    Raises:
        Exception: whatever the decoders raise for what is broken.
    """
    if job.mime.startswith("image/"):
        from .images import probe_image

        return probe_image(Path(job.path), pixels_max)
    from .moving import probe_moving

    return probe_moving(Path(job.path), job.mime, pixels_max)


def read(stream: BinaryIO) -> bytes:
    """Return the next message; empty at the end."""
    length = stream.read(4)
    return stream.read(int.from_bytes(length, "big")) if len(length) == 4 else b""


def write(stream: BinaryIO, message: bytes) -> None:
    """Write a message."""
    stream.write(len(message).to_bytes(4, "big") + message)
    stream.flush()


def limit_process(memory_bytes: int) -> None:
    """Give up what looking into files needs none of."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def limit_job(cpu_s: int) -> None:
    """Let the process live for so many more seconds of computing."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + cpu_s
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def main(arguments: list[str]) -> None:
    """Answer jobs until there are no more."""
    memory_bytes, cpu_s, pixels_max = map(int, arguments)
    limit_process(memory_bytes)
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a decoder prints is no answer
    decode, encode = msgspec.msgpack.Decoder(ProbeJob).decode, msgspec.msgpack.Encoder().encode
    while message := read(stdin):
        limit_job(cpu_s)
        try:
            probed = probe(decode(message), pixels_max)
            answer = ProbeAnswer(probed.facts, probed.mime, dict(probed.pictures.items()))
        except MemoryError:
            answer = ProbeAnswer(error="out of memory")
        except Exception as error:
            answer = ProbeAnswer(error=f"{type(error).__name__}: {error}"[:500])
        write(stdout, encode(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
