"""The reliability diagram: does what is called 80 % come true in 80 % of the cases?"""

from collections.abc import Sequence

from suffice.lab.metrics.calibration import N_BINS
from suffice.lab.metrics.reliability import ReliabilityBin
from suffice.lab.report import svg

_COUNTS = 52


def draw_reliability(bins: Sequence[ReliabilityBin]) -> str:
    """The chart; below it, how many requests each bin holds."""
    frame = svg.Frame(x=(0, 1), y=(0, 1), height=360 + _COUNTS, bottom=46 + _COUNTS)
    parts = svg.axes(frame, x_label="p_ok as predicted", y_label="answers that were acceptable")
    parts.append(svg.line(frame, [(0, 0), (1, 1)], "diagonal"))
    for one in bins:
        left, right = one.index / N_BINS, (one.index + 1) / N_BINS
        parts.append(svg.box(frame, (left + 0.006, one.low), (right - 0.006, one.high), "band"))
        told = f"predicted {one.predicted:.3f}, observed {one.observed:.3f}, n = {one.n:,}"
        parts.append(svg.dot(frame, one.predicted, one.observed, "dot off" if one.is_off else "dot router", title=told))
        x, _ = frame.place((left + right) / 2, 0)
        parts.append(svg.text((x + 4, frame.height - 6), f"{one.n:,}", anchor="start", turn=-90))
    parts.append(svg.text((frame.left - 10, frame.height - 6), "n", anchor="end", kind="axis"))
    return svg.picture(frame, parts, label="Share of acceptable answers over the predicted probability")
