"""What a threshold does: how much goes to the large model, what that scores, and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suffice.lab.intervals import Interval
from suffice.lab.metrics import Floats, PairedScores, Resamples
from suffice.lab.metrics.bootstrap import LEVEL
from suffice.lab.metrics.gain import MIN_GAP


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Costs:
    """What both models' answers to the same n requests cost, in USD, each of shape (n,)."""

    small: Floats
    large: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold with what it does; NaN where there is no figure."""

    threshold: float
    """Highest complexity that goes to the small model; NaN where it is not the same for all requests."""
    share: Interval
    """Of the requests, to the large model."""
    score: Interval | None
    """Mean score; None without scores."""
    recovered: Interval | None
    """Share of the gap between both models (PGR)."""
    lost: Interval | None
    """Mean score of always-large less the one here."""
    cost: Interval | None = None
    """Share of the always-large bill; None without costs."""

    def document(self) -> dict[str, object]:
        """For machines."""
        figures = {
            "share_to_large": self.share,
            "score": self.score,
            "recovered": self.recovered,
            "score_lost": self.lost,
            "cost": self.cost,
        }
        document: dict[str, object] = {"n": self.share.n, "n_groups": self.share.n_groups}
        if not np.isnan(self.threshold):
            document = {"threshold": self.threshold, **document}
        for name, figure in figures.items():
            document |= {} if figure is None else figure.document(name)
        return document


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What routing n requests is measured on."""

    resamples: Resamples
    scores: PairedScores | None = None
    """Of both models' answers."""
    costs: Costs | None = None
    """Of the same answers."""
    level: float = LEVEL
    """Coverage of the intervals."""


def measure_point(threshold: float, complexity: Floats, evidence: Evidence) -> OperatingPoint:
    """Measure one threshold: requests of a complexity above it, shape (n,), go to the large model."""
    return measure_routing((complexity > threshold).astype(np.float64), evidence, threshold=threshold)


def measure_routing(to_large: Floats, evidence: Evidence, *, threshold: float = float("nan")) -> OperatingPoint:
    """Measure where requests go: 1.0 for those to the large model, else 0.0, shape (n,)."""
    columns = {"share": to_large, **_columns(to_large, evidence.scores, evidence.costs)}
    figures = evidence.resamples.measure(lambda weights: _figures(columns, weights))

    def told(name: str) -> Interval | None:
        return figures[name].interval(evidence.level) if name in figures else None

    return OperatingPoint(
        threshold=threshold,
        share=figures["share"].interval(evidence.level),
        score=told("score"),
        recovered=told("recovered"),
        lost=told("lost"),
        cost=told("cost"),
    )


def _columns(to_large: Floats, scores: PairedScores | None, costs: Costs | None) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    if scores is not None:
        columns |= {"small": scores.small, "large": scores.large}
        columns["score"] = np.where(to_large > 0, scores.large, scores.small)
    if costs is not None:
        columns |= {"spent": np.where(to_large > 0, costs.large, costs.small), "bill": costs.large}
    return columns


def _figures(columns: Mapping[str, Floats], weights: Floats) -> dict[str, float]:
    n = float(weights.sum())
    means = {name: float(weights @ column) / n for name, column in columns.items()}
    figures = {"share": means["share"]}
    if "score" in means:
        gap = means["large"] - means["small"]
        figures["score"] = means["score"]
        figures["lost"] = means["large"] - means["score"]
        figures["recovered"] = (means["score"] - means["small"]) / gap if gap >= MIN_GAP else float("nan")
    if "bill" in means:
        figures["cost"] = means["spent"] / means["bill"] if means["bill"] > 0 else float("nan")
    return figures
