"""A raw client for files: tus up, ranges down; breaks are part of its life."""

import asyncio
import base64
import hashlib
import random
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from .device import AGAIN_S, ANSWER_S

CHUNK_BYTES = (16 * 1024, 256 * 1024)
CUT = 0.05
"""How often a chunk is cut off in its middle."""
CHECKED = 0.5
"""How often a chunk carries its checksum."""
BROKEN = (aiohttp.ClientError, OSError, TimeoutError)
PASSING = (408, 409, 423, 429, 500, 502, 503)
"""Statuses after which one looks how far the upload is, or asks again."""


class Transfers:
    """Sends and fetches files for anybody, until it has an answer.

    Args:
        places: Where servers listen, ``HOST:PORT``; each request takes one of them.
    """

    def __init__(self, places: Sequence[str]) -> None:
        self._places = places
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        self.conflicts: list[str] = []
        """Where the server said what cannot be."""
        self.breaks = 0
        """How often a transfer broke off and was resumed."""

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    def _url(self, path: str) -> str:
        return f"http://{random.choice(self._places)}/api/v1{path}"

    async def upload(self, token: str, data: bytes) -> str:
        """Send a file in small chunks, and return the media id; empty when the server lost it."""
        headers = {"authorization": f"Bearer {token}", "tus-resumable": "1.0.0"}
        length = {"upload-length": str(len(data))}
        status, answer = await self._insist("POST", "/uploads", headers | length)
        if status != 201:
            self.conflicts.append(f"an upload could not begin: {status}")
            return ""
        place = "/uploads/" + answer["location"].rpartition("/")[2]
        told = furthest = 0  # a chunk that was given up may still come, later than the next one
        while True:
            sent = min(random.randint(*CHUNK_BYTES), len(data) - told)
            furthest = max(furthest, told + sent)
            status, answer = await self._append(place, headers, told, data[told : told + sent])
            if status in PASSING:
                self.breaks += 1
                status, answer = await self._insist("HEAD", place, headers)
            if status not in (200, 204):
                self.conflicts.append(f"{place} is lost at {told} of {len(data)}: {status}")
                return ""
            offset = int(answer["upload-offset"])
            if not told <= offset <= furthest:
                self.conflicts.append(f"{place} is at {offset}, was at {told}, sent to {furthest}")
                return ""
            told = offset
            if told == len(data):
                return str(answer["upload-media-id"])

    async def _append(
        self, place: str, headers: dict[str, str], offset: int, chunk: bytes
    ) -> tuple[int, Any]:
        headers = headers | {
            "content-type": "application/offset+octet-stream",
            "content-length": str(len(chunk)),
            "upload-offset": str(offset),
        }
        if random.random() < CHECKED:
            digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
            headers["upload-checksum"] = f"sha256 {digest}"
        body = _cut(chunk) if random.random() < CUT else chunk
        try:
            async with self._http.patch(self._url(place), headers=headers, data=body) as answer:
                return answer.status, answer.headers
        except BROKEN:
            await asyncio.sleep(random.uniform(*AGAIN_S))
            return 503, {}

    async def _insist(self, verb: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        """Return the status and the headers of an answer; ask again until there is one."""
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            try:
                async with self._http.request(verb, self._url(path), headers=headers) as answer:
                    if answer.status not in PASSING:
                        return answer.status, answer.headers
            except BROKEN:
                pass
            await asyncio.sleep(random.uniform(*AGAIN_S))
        raise TimeoutError(f"{verb} {path} was never answered")

    async def download(self, token: str, media_id: str) -> str:
        """Return the SHA-256 of a file, fetched in as many pieces as it takes; empty: not there.

        Raises:
            TimeoutError: there was never an answer.
        """
        digest, got = hashlib.sha256(), 0
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            headers = {"authorization": f"Bearer {token}"}
            if got:
                headers["range"] = f"bytes={got}-"
            try:
                async with self._http.get(
                    self._url(f"/media/{media_id}"), headers=headers
                ) as answer:
                    if answer.status == 404:
                        return ""
                    if answer.status == (206 if got else 200):
                        async for piece in answer.content.iter_any():
                            digest.update(piece)
                            got += len(piece)
                        return digest.hexdigest()
                    if answer.status == 416:  # it broke off after the last byte
                        return digest.hexdigest()
                    if answer.status not in PASSING:
                        self.conflicts.append(f"{media_id} was answered with {answer.status}")
                        return ""
            except BROKEN:
                self.breaks += 1
            await asyncio.sleep(random.uniform(*AGAIN_S))
        raise TimeoutError(f"{media_id} was never answered")


async def _cut(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk[: random.randrange(len(chunk))]
    raise ConnectionResetError("cut off in the middle")
