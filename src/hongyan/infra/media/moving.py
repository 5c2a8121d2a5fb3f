"""Video and sound: dimensions, durations, a first picture, a waveform. Runs in the worker."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from PIL import Image, ImageStat

from hongyan.domain.media.model import MediaDetails
from hongyan.domain.media.ports import Probed

from .images import reduced, webp

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,flac,mp3,wav,aac,amr"
"""Containers that are opened. Above all no playlists: those name other files, and hosts."""
OPENING = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
CODECS = """
    h264 hevc av1 vp8 vp9 mpeg4 mjpeg theora h263 flv1 mpeg1video mpeg2video prores
    msmpeg4v2 msmpeg4v3 wmv1 wmv2 dvvideo
    aac mp2 mp3 opus vorbis flac alac amr_nb amr_wb ac3 eac3 speex
    pcm_u8 pcm_s16le pcm_s16be pcm_s24le pcm_s32le pcm_f32le pcm_alaw pcm_mulaw
    adpcm_ms adpcm_ima_wav
"""
DECODED = frozenset(CODECS.split())
"""The codecs that people have, not the hundreds that FFmpeg knows."""
POSTER_SIDE = 1280
FRAMES_MAX = 18
"""Frames that are looked at for one that is not dark."""
DARK = 12.0
"""Mean brightness of 255 below which a frame says nothing."""
BARS = 64
LOUDEST = 31
SAMPLES_PER_S = 8_000
FAINT = 1_000
"""Of 32768: below this the loudest moment counts as still."""
WINDOW = 160
"""Samples (20 ms) of which the loudest one counts."""


def probe_moving(path: Path, mime: str, pixels_max: int) -> Probed:
    """Look into a video or a sound.

    Raises:
        ValueError, OSError, av.FFmpegError: it is broken, too large, or holds neither.
    """
    with av.open(str(path), "r", options=OPENING, metadata_errors="ignore") as container:
        videos = [s for s in container.streams.video if not _is_cover(s)]
        if videos:
            return _probe_video(container, mime, pixels_max)
        if container.streams.audio:
            return _probe_sound(container, mime)
    raise ValueError("neither pictures nor sound")


def _is_cover(stream: av.VideoStream) -> bool:
    """Return whether the stream is the picture of a record, not a video."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _probe_video(container: InputContainer, mime: str, pixels_max: int) -> Probed:
    stream = next(s for s in container.streams.video if not _is_cover(s))
    if stream.width * stream.height > pixels_max:
        raise ValueError("too many pixels")
    _check_codec(stream)
    stream.thread_type = "NONE"
    poster, rotation = _poster(container, stream)
    width, height = stream.width, stream.height
    if rotation % 180:
        width, height = height, width
    poster.thumbnail((POSTER_SIDE, POSTER_SIDE), Image.Resampling.LANCZOS)
    pictures, hash_ = reduced(poster)
    kept = {"poster": webp(poster), "thumb": pictures["thumb"]}
    details = MediaDetails(
        width=width,
        height=height,
        duration_ms=_duration_ms(container, stream),
        thumbhash=hash_,
        variants=("poster", "thumb"),
    )
    return Probed(details, _mime_of(mime, "video"), kept)  # type: ignore[arg-type]


def _check_codec(stream: av.VideoStream | av.AudioStream) -> None:
    name = stream.codec_context.codec.canonical_name
    if name not in DECODED:
        raise ValueError(f"the codec {name} is not decoded")


def _poster(container: InputContainer, stream: av.VideoStream) -> tuple[Image.Image, int]:
    """Return the first frame that is not dark, upright, and how far it was turned."""
    image, rotation = None, 0
    for number, frame in enumerate(container.decode(stream)):
        rotation = frame.rotation
        image = frame.to_image()  # type: ignore[no-untyped-call]
        if number + 1 >= FRAMES_MAX or ImageStat.Stat(image.convert("L")).mean[0] > DARK:
            break
    if image is None:
        raise ValueError("no frame")
    upright = image.rotate(rotation, expand=True) if rotation else image
    return upright.convert("RGB"), rotation


def _duration_ms(container: InputContainer, stream: av.VideoStream | av.AudioStream) -> int:
    if container.duration:
        return int(container.duration / 1000)
    if stream.duration and stream.time_base:
        return int(stream.duration * stream.time_base * 1000)
    return 0


def _probe_sound(container: InputContainer, mime: str) -> Probed:
    stream = container.streams.audio[0]
    _check_codec(stream)
    peaks: list[int] = []
    left = array("h")
    count = 0
    for samples in _samples(container, stream):
        count += len(samples)
        left += samples
        whole = len(left) - len(left) % WINDOW
        for begin in range(0, whole, WINDOW):
            window = left[begin : begin + WINDOW]
            peaks.append(_peak(window))
        left = left[whole:]
    if not count:
        raise ValueError("no sound")
    peaks += [_peak(left)] if left else []
    details = MediaDetails(duration_ms=count * 1000 // SAMPLES_PER_S, waveform=waveform(peaks))
    return Probed(details, _mime_of(mime, "audio"))


def _samples(container: InputContainer, stream: av.AudioStream) -> "Iterator[array[int]]":
    resampler = av.AudioResampler("s16", "mono", SAMPLES_PER_S)
    for frame in container.decode(stream):
        for piece in resampler.resample(frame):
            yield _array(piece)
    for piece in resampler.resample(None):
        yield _array(piece)


def _peak(samples: "array[int]") -> int:
    return max(*samples, -min(samples)) if len(samples) > 1 else abs(samples[0])


def _array(frame: av.AudioFrame) -> "array[int]":
    return array("h", bytes(frame.planes[0])[: frame.samples * 2])


def waveform(peaks: list[int]) -> tuple[int, ...]:
    """Return 64 values of loudness from 0 to 31; the loudest moment is 31 unless all is still."""
    bars = []
    for bar in range(BARS):
        begin = bar * len(peaks) // BARS
        bars.append(max(peaks[begin : max(begin + 1, (bar + 1) * len(peaks) // BARS)]))
    top = max(*bars, FAINT)
    return tuple(min(LOUDEST, bar * LOUDEST // top) for bar in bars)


def _mime_of(mime: str, kind: str) -> str:
    """Return the type as it is now that the kind is known."""
    subtype = mime.partition("/")[2]
    return f"{kind}/{'mp4' if subtype == 'mp4' else subtype}"
