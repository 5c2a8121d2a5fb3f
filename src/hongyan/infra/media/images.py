"""Pictures: dimensions and smaller pictures without metadata. Runs in the worker."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from hongyan.domain.media.model import MediaDetails, Variant
from hongyan.domain.media.ports import Probed

from .thumbhash import thumbhash

SIDES: tuple[tuple[Variant, int], ...] = (("preview", 1280), ("thumb", 320))
"""The smaller pictures, each made of the one before, and their longest sides in pixels."""
QUALITY = 80
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
"""Formats that are decoded; anything else that Pillow knows stays closed."""


def probe_image(path: Path, pixels_max: int) -> Probed:
    """Look into a picture; of an animation, at the first frame.

    Raises:
        OSError, ValueError, Image.DecompressionBombError and others: it is broken or too large.
    """
    Image.MAX_IMAGE_PIXELS = None  # the check below is exact, and earlier
    with Image.open(path, formats=FORMATS) as image:
        if image.width * image.height > pixels_max:
            raise Image.DecompressionBombError("too many pixels")
        is_turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        size = image.size[::-1] if is_turned else image.size
        image.draft("RGB", (SIDES[0][1] * 2, SIDES[0][1] * 2))
        upright = ImageOps.exif_transpose(image)
        pictures, hash_ = reduced(upright)
    details = MediaDetails(
        width=size[0], height=size[1], thumbhash=hash_, variants=tuple(sorted(pictures))
    )
    return Probed(details, pictures=pictures)


def reduced(image: Image.Image) -> tuple[dict[Variant, bytes], str]:
    """Return the smaller pictures as WebP, and the ThumbHash."""
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    picture = image.convert("RGBA" if has_alpha else "RGB")
    pictures: dict[Variant, bytes] = {}
    for variant, side in SIDES:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        pictures[variant] = webp(picture)
    return pictures, thumbhash(picture)


def webp(image: Image.Image) -> bytes:
    """Return the picture's pixels as WebP: no metadata comes along."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    buffer = BytesIO()
    bare.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()
