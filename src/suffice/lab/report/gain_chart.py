"""The cost-quality curve: the mean score over the share of requests that goes to the large model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from suffice.lab.examination import Examination
from suffice.lab.metrics import Floats, GainCurve, PairedScores, Ranking, Resamples, length, oracle, shuffled
from suffice.lab.report import svg

SHARES = np.linspace(0.0, 1.0, 101)
_MARGIN = 0.06
_MARK_STEP = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GainLines:
    """Mean scores at `SHARES`."""

    curves: Mapping[str, Floats]
    """Of the router and of its controls, by name."""
    low: Floats
    """95 % of the router's resamples lie between `low` and `high`, share by share."""
    high: Floats

    @classmethod
    def of(cls, examination: Examination) -> Self:
        """Draw the lines of an examination."""
        outcomes, plan = examination.trial.outcomes, examination.evaluation.plan
        complexities = {"router": examination.ratings.complexity, "shuffled": shuffled(outcomes.scores.small.size)}
        if outcomes.prompts is not None:
            complexities["length"] = length(outcomes.prompts)
        complexities["oracle"] = oracle(outcomes.scores)
        resamples = Resamples.draw(outcomes.groups, n_resamples=plan.n_resamples, seed=plan.seed)
        low, high = _band(Ranking.of(complexities["router"]), outcomes.scores, resamples, plan.level)
        curves = {name: _scores(Ranking.of(one), outcomes.scores, None) for name, one in complexities.items()}
        return cls(curves=curves, low=low, high=high)


def draw_gain(examination: Examination, lines: GainLines) -> str:
    """The chart; thresholds in force are marked on it."""
    whole = np.concatenate([*lines.curves.values(), lines.low, lines.high])
    margin = max(1e-3, float(np.ptp(whole))) * _MARGIN
    frame = svg.Frame(x=(0, 1), y=(float(whole.min()) - margin, float(whole.max()) + margin), height=330)
    parts = svg.axes(frame, x_label="share of requests to the large model", y_label="mean score", x_percent=True)
    parts.append(svg.area(frame, _pair(lines.high), _pair(lines.low), "band"))
    parts += [svg.line(frame, _pair(scores), f"curve {name}") for name, scores in reversed(list(lines.curves.items()))]
    for index, (name, point) in enumerate(examination.points.items()):
        share, score = point.share.estimate, point.score.estimate if point.score else float("nan")
        x, bottom = frame.place(share, frame.y[0])
        parts.append(f'<line class="mark" x1="{x:.1f}" y1="{frame.top:g}" x2="{x:.1f}" y2="{bottom:.1f}"/>')
        # One below the other, so that thresholds close together can be read; towards the middle, so that none is cut.
        beside, anchor = (x + 5, "start") if share < 0.5 else (x - 5, "end")
        at = (beside, bottom - 8 - _MARK_STEP * index)
        parts.append(svg.text(at, f"{name} {point.threshold:g}", anchor=anchor, kind="mark-name"))
        parts.append(svg.dot(frame, share, score, "dot router", title=f"{name}: {share:.1%} to large, {score:.3f}"))
    return svg.picture(frame, parts, label="Mean score over the share of requests that goes to the large model")


def _scores(ranking: Ranking, scores: PairedScores, weights: Floats | None) -> Floats:
    curve = GainCurve.of(ranking, scores, weights)
    return np.interp(SHARES, curve.share, curve.score)


def _band(ranking: Ranking, scores: PairedScores, resamples: Resamples, level: float) -> tuple[Floats, Floats]:
    rows: Floats = np.array(
        [_scores(ranking, scores, counts[resamples.group_of].astype(np.float64)) for counts in resamples.counts]
    )
    tail = (1 - level) / 2
    low, high = np.quantile(rows, [tail, 1 - tail], axis=0)
    return low, high


def _pair(scores: Floats) -> svg.Points:
    return list(zip(SHARES.tolist(), scores.tolist(), strict=True))
