"""One threshold for one aim: chosen on all requests, and measured besides on requests that did not choose it."""

from dataclasses import dataclass, replace

import numpy as np

from suffice.errors import BundleError, DatasetError
from suffice.estimators.bundle import THRESHOLD_NAMES, Manifest
from suffice.lab.calibrate.aims import Aim
from suffice.lab.calibrate.sample import Sample
from suffice.lab.dataset import assign_folds
from suffice.lab.dataset.pairs import MIN_PAIRS
from suffice.lab.metrics import Plan, Resamples
from suffice.lab.operating import Evidence, OperatingPoint, measure_point, measure_routing

N_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A threshold, and what it does."""

    aim: Aim
    threshold: float
    here: OperatingPoint
    """On the requests that it was chosen on: a little too good."""
    held_out: OperatingPoint | None
    """On requests that did not choose: each fold is routed by a threshold from the others. None where the aim is out
    of reach in one of them."""

    def document(self) -> dict[str, object]:
        """For machines."""
        return {
            "aim": self.aim.kind,
            "target": self.aim.target,
            "threshold": self.threshold,
            "here": self.here.document(),
            "held_out": None if self.held_out is None else self.held_out.document(),
        }


def calibrate(sample: Sample, aim: Aim, plan: Plan) -> Calibration:
    """Choose a threshold.

    Args:
        sample: Requests, and what the aim asks about them.
        aim: What is wanted.
        plan: Of the intervals.

    Raises:
        DatasetError: Too few requests, or no threshold fulfils the aim.
    """
    n_groups = len(set(sample.groups))
    if sample.complexity.size < MIN_PAIRS or n_groups < N_FOLDS:
        raise DatasetError(
            f"{sample.complexity.size} queries in {n_groups} groups are too few to calibrate on: {MIN_PAIRS} queries in"
            f" {N_FOLDS} groups at least are needed"
        )
    threshold = sample.choose(aim)
    evidence = Evidence(
        resamples=Resamples.draw(sample.groups, n_resamples=plan.n_resamples, seed=plan.seed),
        scores=sample.scores,
        costs=sample.costs,
        level=plan.level,
    )
    return Calibration(
        aim=aim,
        threshold=threshold,
        here=measure_point(threshold, sample.complexity, evidence),
        held_out=_hold_out(sample, aim, evidence, plan.seed),
    )


def _hold_out(sample: Sample, aim: Aim, evidence: Evidence, seed: int) -> OperatingPoint | None:
    folds = assign_folds(sample.groups, N_FOLDS, seed=seed)
    to_large = np.empty(sample.complexity.size)
    for fold in range(N_FOLDS):
        held = folds == fold
        try:
            threshold = sample.choose(aim, ~held)
        except DatasetError:
            return None
        to_large[held] = sample.complexity[held] > threshold
    return measure_routing(to_large, evidence)


def set_threshold(manifest: Manifest, name: str, threshold: float) -> Manifest:
    """The manifest with one named threshold set.

    Raises:
        BundleError: It would cross another one: `quality` <= `balanced` <= `cheap` must hold.
    """
    others = {one: value for one, value in manifest.thresholds.items() if one != name}
    place = THRESHOLD_NAMES.index(name)
    for other, value in others.items():
        is_crossed = value > threshold if THRESHOLD_NAMES.index(other) < place else value < threshold
        if is_crossed:
            raise BundleError(_explain_crossing(name, threshold, other, value))
    thresholds = {**others, name: threshold}
    return replace(manifest, thresholds={one: thresholds[one] for one in THRESHOLD_NAMES if one in thresholds})


def _explain_crossing(name: str, threshold: float, other: str, value: float) -> str:
    side, more = ("above", "less") if value < threshold else ("below", "more")
    return (
        f"{name} would be {threshold:g}, {side} {other}, which is {value:g}, but quality <= balanced <= cheap must"
        f" hold; calibrate {other} first, with an aim that sends {more} to the large model"
    )
