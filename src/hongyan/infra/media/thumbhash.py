"""ThumbHash: a blurred picture in some 25 bytes (https://evanw.github.io/thumbhash/).

A picture's lowest frequencies in a space of lightness, yellow-blue, red-green and opacity.
"""

import base64
import math
from collections.abc import Sequence

from PIL import Image

SIDE_MAX = 32
"""The hash holds at most 7 by 7 frequencies, which a picture of this size has."""


def thumbhash(image: Image.Image) -> str:
    """Return the hash of a picture, in base64."""
    small = image.convert("RGBA")
    small.thumbnail((SIDE_MAX, SIDE_MAX))
    width, height = small.size
    pixels = [small.getpixel((x, y)) for y in range(height) for x in range(width)]
    return base64.b64encode(_encode(width, height, pixels)).decode()  # type: ignore[arg-type]


def _encode(width: int, height: int, pixels: Sequence[tuple[int, int, int, int]]) -> bytes:
    opacities = [a / 255 for *_, a in pixels]
    weight = sum(opacities)
    average = [
        sum(p[i] / 255 * a for p, a in zip(pixels, opacities, strict=True)) / weight
        if weight
        else 0.0
        for i in range(3)
    ]
    has_alpha = weight < width * height
    lightness, yellow, redness = [], [], []
    for pixel, a in zip(pixels, opacities, strict=True):
        r, g, b = (average[i] * (1 - a) + a * pixel[i] / 255 for i in range(3))
        lightness.append((r + g + b) / 3)
        yellow.append((r + g) / 2 - b)
        redness.append(r - g)
    most, longest = (5 if has_alpha else 7), max(width, height)
    nx = max(1, _round(most * width / longest))
    ny = max(1, _round(most * height / longest))
    size = (width, height)
    l_dc, l_ac, l_scale = _channel(lightness, size, max(3, nx), max(3, ny))
    p_dc, p_ac, p_scale = _channel(yellow, size, 3, 3)
    q_dc, q_ac, q_scale = _channel(redness, size, 3, 3)
    is_wide = width > height
    first = (
        _round(63 * l_dc)
        | _round(31.5 + 31.5 * p_dc) << 6
        | _round(31.5 + 31.5 * q_dc) << 12
        | _round(31 * l_scale) << 18
        | has_alpha << 23
    )
    second = (
        (ny if is_wide else nx)
        | _round(63 * p_scale) << 3
        | _round(63 * q_scale) << 9
        | is_wide << 15
    )
    found = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    coefficients = l_ac + p_ac + q_ac
    if has_alpha:
        a_dc, a_ac, a_scale = _channel(opacities, size, 5, 5)
        found += bytes([_round(15 * a_dc) | _round(15 * a_scale) << 4])
        coefficients += a_ac
    nibbles = [_round(15 * value) for value in coefficients]
    nibbles += [0] * (len(nibbles) % 2)
    pairs = zip(nibbles[::2], nibbles[1::2], strict=True)
    return found + bytes(low | high << 4 for low, high in pairs)


def _channel(
    values: Sequence[float], size: tuple[int, int], nx: int, ny: int
) -> tuple[float, list[float], float]:
    """Return the mean, the other low frequencies scaled to 0 to 1, and the scale."""
    width, height = size
    waves = [[math.cos(math.pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(nx)]
    rows = [
        [sum(map(float.__mul__, values[y * width : (y + 1) * width], wave)) for y in range(height)]
        for wave in waves
    ]
    mean, others = 0.0, []
    for cy in range(ny):
        fall = [math.cos(math.pi / height * cy * (y + 0.5)) for y in range(height)]
        cx = 0
        while cx * ny < nx * (ny - cy):
            value = sum(map(float.__mul__, rows[cx], fall)) / (width * height)
            if cx or cy:
                others.append(value)
            else:
                mean = value
            cx += 1
    scale = max((abs(value) for value in others), default=0.0)
    if scale > 0:
        others = [0.5 + 0.5 / scale * value for value in others]
    return mean, others, scale


def _round(value: float) -> int:
    return math.floor(value + 0.5)
