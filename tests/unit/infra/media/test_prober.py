"""The worker's limits, with the real process."""

import asyncio
import os
import signal
from pathlib import Path

import av
import msgspec
import pytest
from tests.files import samples

from hongyan.domain.media.ports import HEAD_BYTES, Unreadable
from hongyan.infra.media.prober import WorkerLimits, WorkerProber
from hongyan.infra.media.sniff import mime_of
from hongyan.infra.media.worker import ProbeAnswer
from hongyan.kernel.errors import Busy


@pytest.fixture
async def prober():
    made = WorkerProber(WorkerLimits(time_s=20, cpu_s=2, pixels=10**10, waiting=1))
    yield made
    await made.close()


def write(folder, data):
    path = folder / f"{len(list(folder.iterdir()))}"
    path.write_bytes(data)
    return path


async def test_memory_and_time_are_limited(prober, tmp_path):
    """40,000 by 40,000 pixels are 1.6 GB or a long time; either ends at a limit."""
    bomb = write(tmp_path, samples.png_bomb(40_000))
    with pytest.raises(Unreadable):
        await prober.probe(bomb, "image/png")
    good = write(tmp_path, samples.picture((30, 20)))
    assert (await prober.probe(good, "image/png")).facts.width == 30


async def test_a_worker_that_hangs_is_ended(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    prober = WorkerProber(WorkerLimits(time_s=2))
    try:
        with pytest.raises(Unreadable):
            await prober.probe(fifo, "image/png")
        good = write(tmp_path, samples.picture((30, 20)))
        assert (await prober.probe(good, "image/png")).facts.width == 30
    finally:
        await prober.close()


async def test_a_worker_that_dies_is_replaced(prober, tmp_path):
    good = write(tmp_path, samples.picture((30, 20)))
    await prober.probe(good, "image/png")
    (worker,) = prober._idle
    os.kill(worker._process.pid, signal.SIGSEGV)
    await worker._process.wait()
    with pytest.raises(Unreadable):
        await prober.probe(good, "image/png")
    assert (await prober.probe(good, "image/png")).facts.height == 20


async def test_few_may_wait(prober, tmp_path):
    good = write(tmp_path, samples.picture((30, 20)))
    asked = [prober.probe(good, "image/png") for _ in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found].count(Busy) == 1


LISTS = {
    "HLS": "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile {}\n",
    "DASH": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"'
        ' profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static"'
        ' mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="audio/wav">'
        '<Representation id="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet>'
        "</Period></MPD>"
    ),
    "SDP behind ID3": "v=0\no=- 0 0 IN IP4 {0}\ns=x\nc=IN IP4 {0}\nt=0 0\nm=audio 9 RTP/AVP 0\n",
}
ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("kind", LISTS)
async def test_lists_of_other_files_are_not_opened(prober, tmp_path, kind):
    """Even where the look at the first bytes was fooled."""
    other = tmp_path / "other.wav"
    other.write_bytes(samples.voice(1.0, "wav", "pcm_s16le"))
    named = {"concat": other.name, "SDP behind ID3": "127.0.0.1"}.get(kind, f"file:{other}")
    text = LISTS[kind].format(named).encode()
    path = write(tmp_path, ID3 + text if "ID3" in kind else text)
    with pytest.raises(Unreadable, match=r"Invalid (data|argument)"):
        await prober.probe(path, "audio/mpeg")
    assert (await prober.probe(other, "audio/wav")).facts.duration_ms == 1000


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        ("mp4", "mpeg4"),
        ("mov", "mpeg4"),
        ("avi", "mpeg4"),
        ("matroska", "libx264"),
        ("webm", "libvpx"),
        ("webm", "libvpx-vp9"),
        ("mp4", "libsvtav1"),
    ],
)
async def test_videos_that_people_have(prober, tmp_path, form, codec):
    if codec not in av.codecs_available:
        pytest.skip(f"nothing here makes {codec}")
    path = write(tmp_path, samples.video((160, 96), 0.5, form, codec))
    probed = await prober.probe(path, mime_of(path.read_bytes()[:HEAD_BYTES]))
    assert (probed.facts.width, probed.facts.height) == (160, 96)
    assert "poster" in probed.pictures


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        ("ogg", "libopus"),
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
        ("adts", "aac"),
        ("ipod", "aac"),
        ("wav", "pcm_s16le"),
        ("webm", "libopus"),
    ],
)
async def test_sounds_that_people_have(prober, tmp_path, form, codec):
    path = write(tmp_path, samples.voice(0.5, form, codec))
    probed = await prober.probe(path, mime_of(path.read_bytes()[:HEAD_BYTES]))
    assert 450 <= probed.facts.duration_ms <= 600
    assert len(probed.facts.waveform) == 64


async def test_odd_codecs_are_not_decoded(prober, tmp_path):
    path = write(tmp_path, samples.video(form="matroska", codec="ffv1"))
    with pytest.raises(Unreadable, match="ffv1 is not decoded"):
        await prober.probe(path, "video/x-matroska")


@pytest.mark.parametrize(
    "answer",
    [
        {"mime": "text/html"},
        {"mime": "audio/ogg\r\nset-cookie: a=b"},
        {"pictures": {"../../../up": b"x"}},
        {"facts": {"variants": ["../../../up"]}},
    ],
)
async def test_a_worker_that_was_taken_over_is_not_believed(prober, tmp_path, answer):
    class Taken:
        jobs = 1

        async def ask(self, _job):
            return msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=ProbeAnswer)

        async def end(self):
            pass

    prober._idle.append(Taken())
    with pytest.raises(Unreadable):
        await prober.probe(write(tmp_path, b"OggS"), "audio/ogg")


async def test_a_worker_is_told_no_settings(prober, tmp_path, monkeypatch):
    monkeypatch.setenv("HONGYAN_SMTP__PASSWORD", "secret")
    await prober.probe(write(tmp_path, samples.picture((30, 20))), "image/png")
    (worker,) = prober._idle
    told = Path(f"/proc/{worker._process.pid}/environ")
    environment = await asyncio.to_thread(told.read_bytes)
    assert environment
    assert b"HONGYAN" not in environment
