"""The comparison as a picture: bars on a logarithmic scale, since the slowest takes a thousand times the fastest."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH = 860
LEFT = 250
RIGHT = 120
BAR = 18
GAP = 8
HEAD = 44

# Of mid lightness, so that they can be read on white and on black pages.
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #7a7a7a }
.title { font-weight: 600 }
.ours { fill: #2f7ed8 }
.yardstick { fill: #4c9a5b }
.other { fill: #9a9a9a }
.grid { stroke: #7a7a7a; stroke-opacity: .3 }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One contestant's figure."""

    name: str
    value: float
    kind: str
    """`ours`, `yardstick` or `other`."""
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Bars under one title, on one scale."""

    title: str
    bars: Sequence[Bar]

    @property
    def height(self) -> float:
        """In the units of the picture."""
        return HEAD + len(self.bars) * (BAR + GAP) + 28


def picture(groups: Sequence[Group], *, label: str) -> str:
    """A whole SVG file; `label` is for those who cannot see it."""
    parts: list[str] = []
    top = 0.0
    for group in groups:
        parts += _draw(group, top)
        top += group.height
    size = f'viewBox="0 0 {WIDTH} {top:g}" width="{WIDTH}" height="{top:g}"'
    body = "\n".join(parts)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(label)}">'
    return f"{head}\n<style>{_STYLE}</style>\n{body}\n</svg>\n"


def _draw(group: Group, top: float) -> list[str]:
    values = [bar.value for bar in group.bars]
    low, high = floor(log10(min(values))), max(ceil(log10(max(values))), floor(log10(min(values))) + 1)
    bottom = top + HEAD + len(values) * (BAR + GAP)
    parts = [f'<text class="title" x="4" y="{top + 22:g}">{escape(group.title)}</text>']
    for power in range(low, high + 1):
        x = _place(10.0**power, low, high)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{top + HEAD - 6:g}" x2="{x:.1f}" y2="{bottom:g}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16:g}" text-anchor="middle">{10**power:,}</text>')
    for index, bar in enumerate(group.bars):
        y = top + HEAD + index * (BAR + GAP)
        end = _place(bar.value, low, high)
        middle = y + BAR - 5
        parts.append(f'<text x="{LEFT - 8}" y="{middle:g}" text-anchor="end">{escape(bar.name)}</text>')
        parts.append(f'<rect class="{bar.kind}" x="{LEFT}" y="{y:g}" width="{end - LEFT:.1f}" height="{BAR}"/>')
        parts.append(f'<text x="{end + 6:.1f}" y="{middle:g}">{escape(bar.label)}</text>')
    return parts


def _place(value: float, low: int, high: int) -> float:
    share = (log10(value) - low) / (high - low)
    return LEFT + share * (WIDTH - LEFT - RIGHT)
