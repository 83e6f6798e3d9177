"""Small pictures as SVG, to stand inside a page: colours and fonts are the page's."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

Points = Sequence[tuple[float, float]]

_TICK = 4
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where values stand in a picture."""

    x: tuple[float, float]
    """Lowest and highest value."""
    y: tuple[float, float]
    width: float = 440
    height: float = 300
    left: float = 58
    right: float = 24
    top: float = 12
    bottom: float = 46

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A value's place, in the units of the picture."""
        share_x = (x - self.x[0]) / (self.x[1] - self.x[0])
        share_y = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            self.left + share_x * (self.width - self.left - self.right),
            self.height - self.bottom - share_y * (self.height - self.top - self.bottom),
        )


def picture(frame: Frame, parts: Sequence[str], *, label: str) -> str:
    """The whole picture; `label` is for those who cannot see it."""
    size = f"0 0 {frame.width:g} {frame.height:g}"
    return f'<svg viewBox="{size}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def line(frame: Frame, points: Points, kind: str) -> str:
    """A line through points; `kind` is its class."""
    return f'<polyline class="{kind}" points="{_path(frame, points)}"/>'


def area(frame: Frame, upper: Points, lower: Points, kind: str) -> str:
    """What lies between two lines."""
    return f'<polygon class="{kind}" points="{_path(frame, [*upper, *reversed(lower)])}"/>'


def box(frame: Frame, low: tuple[float, float], high: tuple[float, float], kind: str) -> str:
    """A rectangle between two corners; one without height is still seen."""
    (left, bottom), (right, top) = frame.place(*low), frame.place(*high)
    height = max(1.0, bottom - top)
    return f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{height:.1f}"/>'


def dot(frame: Frame, x: float, y: float, kind: str, *, title: str = "") -> str:
    """A point; its title appears under the pointer."""
    at_x, at_y = frame.place(x, y)
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<circle class="{kind}" cx="{at_x:.1f}" cy="{at_y:.1f}" r="4">{told}</circle>'


def text(at: tuple[float, float], words: str, *, anchor: str = "middle", turn: float = 0, kind: str = "") -> str:
    """Words at a place of the picture."""
    x, y = at
    turned = f' transform="rotate({turn:g} {x:.1f} {y:.1f})"' if turn else ""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}{named}>{escape(words)}</text>'


def axes(frame: Frame, *, x_label: str, y_label: str, x_percent: bool = False, y_percent: bool = False) -> list[str]:
    """Lines, marks and names of both axes."""
    parts: list[str] = []
    bottom, left = frame.y[0], frame.x[0]
    for value in ticks(*frame.x):
        x, y = frame.place(value, bottom)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{frame.top:g}" x2="{x:.1f}" y2="{y + _TICK:.1f}"/>')
        parts.append(text((x, y + 18), _name(value, percent=x_percent)))
    for value in ticks(*frame.y):
        x, y = frame.place(left, value)
        edge = frame.width - frame.right
        parts.append(f'<line class="grid" x1="{x - _TICK:.1f}" y1="{y:.1f}" x2="{edge:g}" y2="{y:.1f}"/>')
        parts.append(text((x - 6, y + 4), _name(value, percent=y_percent), anchor="end"))
    middle_x = (frame.left + frame.width - frame.right) / 2
    middle_y = (frame.top + frame.height - frame.bottom) / 2
    parts.append(text((middle_x, frame.height - frame.bottom + 38), x_label, kind="axis"))
    parts.append(text((12, middle_y), y_label, turn=-90, kind="axis"))
    return parts


def ticks(low: float, high: float, *, at_most: int = 7) -> list[float]:
    """Round values between two others, ends included where they are round."""
    span = high - low
    rough = span / (at_most - 1)
    magnitude = 10.0 ** floor(log10(rough))
    step = next(one for one in _STEPS if one * magnitude >= rough * (1 - 1e-9)) * magnitude
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _path(frame: Frame, points: Points) -> str:
    places = (frame.place(x, y) for x, y in points)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _name(value: float, *, percent: bool) -> str:
    return f"{value * 100:.4g} %" if percent else f"{value:.4g}"
