"""Files of all kinds, made on the spot: good ones, broken ones, and ones that mean harm."""

import io
import math
import struct
import zlib
from array import array
from fractions import Fraction
from typing import Any

import av
from PIL import Image

BLOCK_BYTES = 1 << 20
SCRIPT = b"<script>document.title = 'owned'</script>"
HTML = b"<!DOCTYPE html><html><body>" + SCRIPT + b"</body></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>"
XML = b'<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml">' + SCRIPT + b"</x>"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def picture(size: tuple[int, int], form: str = "PNG", **more: Any) -> bytes:
    """Return a picture of one colour with a darker corner."""
    image = Image.new("RGB", size, "teal")
    image.paste("navy", (0, 0, size[0] // 3, size[1] // 3))
    buffer = io.BytesIO()
    image.save(buffer, form, **more)
    return buffer.getvalue()


def turned_photo(size: tuple[int, int]) -> bytes:
    """Return a JPEG that says where it was taken and that it is to be turned by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCameraMaker"
    exif.get_ifd(0x8825)[1] = "N"
    return picture(size, "JPEG", exif=exif)


def zeros(count: int) -> bytes:
    """Return the zlib stream of so many zero bytes, without packing all of them."""
    pack = zlib.compressobj(9, wbits=-15)
    block = pack.compress(bytes(BLOCK_BYTES)) + pack.flush(zlib.Z_FULL_FLUSH)  # may be repeated
    rest = pack.compress(bytes(count % BLOCK_BYTES)) + pack.flush()
    check = struct.pack(">HH", count % 65_521, 1)  # Adler-32
    return b"\x78\xda" + block * (count // BLOCK_BYTES) + rest + check


def png_bomb(side: int) -> bytes:
    """Return a small PNG of very many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    data = zeros(side * (1 + side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def video(
    size: tuple[int, int] = (320, 240),
    seconds: float = 2.0,
    form: str = "mp4",
    codec: str = "mpeg4",
) -> bytes:
    """Return a video that begins dark and gets bright, without sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 25)
        for number in range(int(seconds * 25)):
            colour = (0, 0, 0) if number < 5 else (200, 120, 40)
            frame = av.VideoFrame.from_image(Image.new("RGB", size, colour))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def voice(seconds: float = 3.0, form: str = "ogg", codec: str = "libopus") -> bytes:
    """Return a voice message: silence first, then a tone."""
    rate = 48_000
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=960)
        for begin in range(0, int(rate * seconds), rate // 10):
            is_loud = begin > rate * seconds / 2
            values = [
                int(20_000 * math.sin(2 * math.pi * 440 * n / rate)) if is_loud else 0
                for n in range(begin, begin + rate // 10)
            ]
            frame = av.AudioFrame("s16", "mono", len(values))
            frame.planes[0].update(array("h", values).tobytes())
            frame.rate, frame.pts = rate, begin
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return buffer.getvalue()
