"""Line charts as small SVG files, written by hand."""

import math
from collections.abc import Mapping, Sequence

COLOURS = ("#0b6e99", "#c2410c", "#15803d", "#7c3aed", "#b91c1c", "#64748b")
DASHES = ("", "6 3", "2 2", "8 2 2 2", "1 3", "10 4")
WIDTH, HEIGHT, LEFT, TOP = 230, 170, 46, 30
Lines = Mapping[str, Sequence[float]]
"""Name -> a value for each place on the axis."""


def panels(title: str, unit: str, places: Sequence[int], charts: Mapping[str, Lines]) -> str:
    """Return an SVG of charts beside each other, with a logarithmic axis each.

    Args:
        title: What it shows.
        unit: Of the values.
        places: The numbers of gateways.
        charts: Heading -> lines.
    """
    width, height = len(charts) * (WIDTH + LEFT) + 20, HEIGHT + TOP + 86
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" role="img" aria-label="{title}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="16" font-size="13" font-weight="bold">{title} ({unit})</text>',
    ]
    for number, (heading, lines) in enumerate(charts.items()):
        parts += _chart(LEFT + number * (WIDTH + LEFT), TOP + 14, heading, places, lines)
    names = list(next(iter(charts.values())))
    for number, name in enumerate(names):
        x, y = 14 + number * 190, height - 14
        parts.append(_line([(x, y - 4), (x + 24, y - 4)], number))
        parts.append(f'<text x="{x + 30}" y="{y}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _chart(left: float, top: float, heading: str, places: Sequence[int], lines: Lines) -> list[str]:
    values = [value for line in lines.values() for value in line if value > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def at(place: int, value: float) -> tuple[float, float]:
        x = left + 14 + math.log2(place) / math.log2(places[-1]) * (WIDTH - 28)
        share = (math.log10(max(value, 10**low)) - low) / (high - low)
        return x, top + HEIGHT * (1 - share)

    parts = [f'<text x="{left}" y="{top - 6}">{heading}</text>']
    for power in range(low, high + 1):
        y = at(places[0], 10**power)[1]
        parts.append(
            f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d4d4d8"/>'
            f'<text x="{left - 4}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    for place in places:
        x = at(place, 1)[0]
        parts.append(
            f'<text x="{x:.1f}" y="{top + HEIGHT + 15}" text-anchor="middle">{place}</text>'
        )
    parts.append(
        f'<text x="{left + WIDTH / 2}" y="{top + HEIGHT + 29}" text-anchor="middle">gateways</text>'
    )
    for number, line in enumerate(lines.values()):
        parts.append(
            _line([at(place, value) for place, value in zip(places, line, strict=True)], number)
        )
    return parts


def _line(points: Sequence[tuple[float, float]], number: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = f' stroke-dasharray="{DASHES[number]}"' if DASHES[number] else ""
    return (
        f'<polyline points="{path}" fill="none" stroke="{COLOURS[number]}" stroke-width="2"{dash}/>'
    )
