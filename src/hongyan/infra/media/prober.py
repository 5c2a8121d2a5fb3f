"""The port Prober: types by a look, the rest by workers that may die."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import msgspec
from msgspec import Struct

from hongyan.domain.media.model import Variant
from hongyan.domain.media.ports import Probed, Sniffed, Unreadable
from hongyan.kernel.errors import Busy

from .sniff import sniff
from .worker import ProbeAnswer, ProbeJob

log = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 16 * 1024 * 1024
ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "TZ")
"""The variables that a worker gets; settings and secrets are not among them."""
JOBS_MAX = 500
"""A worker is replaced after so many jobs: decoders leak."""


class WorkerLimits(Struct, frozen=True, kw_only=True):
    """Limits of a worker for one file."""

    workers: int = 1
    """Processes, each with one file at a time."""
    memory_bytes: int = 1024**3
    """Address space of a worker."""
    cpu_s: int = 20
    """Seconds of computing for one file."""
    time_s: float = 30.0
    """Seconds until a worker that does not answer is ended."""
    pixels: int = 100_000_000
    """The largest picture that is decoded."""
    waiting: int = 100
    """Files that may wait for a worker."""


class WorkerProber:
    """Looks into files by processes of ``worker.py``.

    A process is started when the first file comes, and another one in its place when it dies.

    Args:
        limits: What a worker may use.
    """

    def __init__(self, limits: WorkerLimits = WorkerLimits()) -> None:  # noqa: B008
        self._limits = limits
        self._idle: list[_Worker] = []
        self._free = asyncio.Semaphore(limits.workers)
        self.asked = 0
        self._is_closed = False

    async def sniff(self, head: bytes, tail: bytes) -> Sniffed:
        """See ``Prober.sniff``."""
        return await asyncio.to_thread(sniff, head, tail)

    async def probe(self, path: Path, mime: str) -> Probed:
        """See ``Prober.probe``."""
        if self._is_closed or self.asked >= self._limits.waiting + self._limits.workers:
            raise Busy
        self.asked += 1
        try:
            async with self._free:
                return await self._probe(ProbeJob(str(path), mime))
        finally:
            self.asked -= 1

    async def _probe(self, job: ProbeJob) -> Probed:
        worker = self._idle.pop() if self._idle else await _Worker.start(self._limits)
        is_well = False
        try:
            async with asyncio.timeout(self._limits.time_s):
                answer = await worker.ask(job)
            is_well = True
        except (TimeoutError, EOFError, OSError, msgspec.DecodeError) as error:
            if self._is_closed:
                raise Busy from error
            log.warning("a file could not be looked into: %s", type(error).__name__)
            raise Unreadable("the worker died or took too long") from error
        finally:
            if is_well and not self._is_closed and worker.jobs < JOBS_MAX:
                self._idle.append(worker)
            else:
                await worker.end()
        if answer.error:
            raise Unreadable(answer.error)
        if answer.mime not in ("", job.mime, *_kin(job.mime)):
            raise Unreadable("the worker saw another type than can be")
        pictures: dict[Variant, bytes] = {
            name: data for name, data in answer.pictures.items() if name
        }
        return Probed(answer.facts, answer.mime, pictures)

    async def close(self) -> None:
        """End the workers."""
        self._is_closed = True
        for worker in self._idle:
            await worker.end()
        self._idle.clear()


def _kin(mime: str) -> tuple[str, str]:
    """Return the types that a file may turn out to have: moving pictures or sound alone."""
    subtype = mime.partition("/")[2]
    return f"video/{subtype}", f"audio/{subtype}"


class _Worker:
    """One process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.jobs = 0

    @classmethod
    async def start(cls, limits: WorkerLimits) -> "_Worker":
        numbers = (limits.memory_bytes, limits.cpu_s, limits.pixels)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hongyan.infra.media.worker",
            *(str(number) for number in numbers),
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
        return cls(process)

    async def ask(self, job: ProbeJob) -> ProbeAnswer:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        self.jobs += 1
        message = msgspec.msgpack.encode(job)
        stdin.write(len(message).to_bytes(4, "big") + message)
        await stdin.drain()
        length = int.from_bytes(await stdout.readexactly(4), "big")
        if length > ANSWER_BYTES_MAX:
            raise EOFError
        return msgspec.msgpack.decode(await stdout.readexactly(length), type=ProbeAnswer)

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
