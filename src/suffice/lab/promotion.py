"""Whether a candidate may replace the bundle in force: both on the same resamples of held-out outcomes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from suffice.estimators.bundle import Bundle
from suffice.lab.dataset import OK_SCORE
from suffice.lab.examination import warn_of_training
from suffice.lab.intervals import Interval
from suffice.lab.metrics import (
    Figure,
    Floats,
    GainCurve,
    Plan,
    Ranking,
    Resamples,
    brier_score,
    expected_calibration_error,
)
from suffice.lab.rating import TURN_DECAY, rate_all
from suffice.lab.trial import Trial

CHANCE = 0.5
"""APGR of a router that knows nothing."""

MARGIN = 0.01
"""Of APGR and Brier score: a candidate that is worse by more is refused, even where that might be chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure of both bundles."""

    candidate: Interval
    in_force: Interval | None
    """None where no bundle is in force, or it has no such figure."""
    difference: Interval | None
    """The candidate's less that of the bundle in force, on the same resamples."""

    def document(self) -> dict[str, object]:
        """For machines."""
        told = {"candidate": self.candidate, "in_force": self.in_force, "difference": self.difference}
        document: dict[str, object] = {}
        for name, interval in told.items():
            document |= {} if interval is None else interval.document(name)
        return document


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """A candidate beside the bundle in force."""

    candidate: Bundle
    in_force: Bundle | None
    trial: Trial
    figures: Mapping[str, Compared]
    """`apgr`, and where the candidate knows the small model `brier` and `ece`."""

    @property
    def faults(self) -> list[str]:
        """Why the candidate should not replace the bundle in force; none: it may."""
        return [*self._mismatches(), *self._losses()]

    def _mismatches(self) -> Iterator[str]:
        manifest = self.candidate.manifest
        yield from warn_of_training(self.candidate, self.trial.dataset_hash)
        missing = [model for model in (self.trial.small, self.trial.large) if model not in manifest.models]
        if missing:
            yield f"it was trained for {', '.join(manifest.models)}, not for {', '.join(missing)}"
        if self.in_force is None:
            return
        lost = [name for name in self.in_force.manifest.thresholds if name not in manifest.thresholds]
        if lost:
            yield (
                f"it has no threshold {', '.join(lost)}, which the one in force has: calibrate it first"
                " (suffice calibrate)"
            )

    def _losses(self) -> Iterator[str]:
        apgr, brier = (self._difference(name) for name in ("apgr", "brier"))
        alone = self.figures["apgr"].candidate if self.in_force is None and "apgr" in self.figures else None
        if alone is not None and alone.high < CHANCE:
            yield f"its APGR is surely below chance: {alone.estimate:.3f} [{alone.low:.3f}, {alone.high:.3f}]"
        if apgr is not None and np.isnan(apgr.estimate):
            yield "nothing can be compared: the large model gains nothing on these outcomes"
        elif apgr is not None and (apgr.high < 0 or apgr.estimate < -MARGIN):
            yield f"its APGR is worse: {_told(apgr)} against the one in force"
        # Many outcomes make sure of the smallest difference, and thresholds know nothing of p_ok: size decides here.
        if brier is not None and brier.estimate > MARGIN:
            yield f"its Brier score is worse: {_told(brier)} against the one in force"

    def _difference(self, name: str) -> Interval | None:
        compared = self.figures.get(name)
        return None if compared is None else compared.difference


def _told(difference: Interval) -> str:
    return f"{difference.estimate:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


def compare(
    candidate: Bundle, in_force: Bundle | None, trial: Trial, plan: Plan, *, turn_decay: float = TURN_DECAY
) -> Comparison:
    """Measure both.

    Args:
        candidate: What is to be promoted.
        in_force: What it would replace; None: nothing yet.
        trial: Outcomes that trained neither of them.
        plan: Of the resamples.
        turn_decay: As `routing.turn_decay` of the gateway.

    Raises:
        BundleError: A bundle's model cannot be used.
    """
    resamples = Resamples.draw(trial.outcomes.groups, n_resamples=plan.n_resamples, seed=plan.seed)
    own = _measure(candidate, trial, resamples, turn_decay)
    other = {} if in_force is None else _measure(in_force, trial, resamples, turn_decay)
    figures = {
        name: Compared(
            candidate=figure.interval(plan.level),
            in_force=other[name].interval(plan.level) if name in other else None,
            difference=(figure - other[name]).interval(plan.level) if name in other else None,
        )
        for name, figure in own.items()
    }
    return Comparison(candidate=candidate, in_force=in_force, trial=trial, figures=figures)


def _measure(bundle: Bundle, trial: Trial, resamples: Resamples, turn_decay: float) -> dict[str, Figure]:
    ratings = rate_all(bundle, trial.requests, turn_decay=turn_decay)
    ranking, p_ok = Ranking.of(ratings.complexity), ratings.p_ok_of(trial.small)
    scores = trial.outcomes.scores
    ok = (scores.small >= OK_SCORE).astype(np.float64)

    def compute(weights: Floats) -> dict[str, float]:
        figures = {"apgr": GainCurve.of(ranking, scores, weights).apgr()}
        if p_ok is not None:
            figures["brier"] = brier_score(p_ok, ok, weights=weights)
            figures["ece"] = expected_calibration_error(p_ok, ok, weights=weights)
        return figures

    return resamples.measure(compute)
