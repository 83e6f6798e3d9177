"""Curves that never fall, through given points: what calibrators and scales are made of."""

from bisect import bisect_right
from collections.abc import Sequence
from math import isfinite
from operator import le, lt


class RisingCurve:
    """Straight lines between points; before the first and after the last point it is level.

    Rounding is monotone in every step, so the curve never falls between two floats either.
    """

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        """Take the points.

        Args:
            x: Places, one or more, strictly rising; the greatest distance of two is a finite float.
            y: Heights, as many, never falling.

        Raises:
            ValueError: The points are not such.
        """
        if not x or len(x) != len(y):
            raise ValueError(f"need as many heights as places, and one at least; got {len(x)} places, {len(y)} heights")
        if not all(map(isfinite, (*x, *y, x[-1] - x[0]))):
            raise ValueError("places, heights and the distance of the outermost places must be finite")
        if not all(map(lt, x, x[1:])) or not all(map(le, y, y[1:])):
            raise ValueError("places must rise strictly, and heights must not fall")
        self.x = tuple(x)
        self.y = tuple(y)

    def height_at(self, place: float) -> float:
        """The height at a place; NaN counts as beyond the last point."""
        x, y = self.x, self.y
        # NaN is less than nothing, so that this finds its place behind the last point.
        above = bisect_right(x, place)
        if above == len(x):
            return y[-1]
        if above == 0:
            return y[0]
        left, low, high = x[above - 1], y[above - 1], y[above]
        height = low + (high - low) * ((place - left) / (x[above] - left))
        # Rounding may carry the value past the point above it; calling `min` would cost as much as the search.
        return height if height < high else high  # noqa: FURB136
