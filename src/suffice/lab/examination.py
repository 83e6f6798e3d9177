"""A bundle on outcomes: its figures beside the controls, what its thresholds do, and each category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suffice.estimators.bundle import THRESHOLD_NAMES, Bundle
from suffice.lab.baselines import rate_exemplars
from suffice.lab.categories import CategoryRow, measure_categories
from suffice.lab.metrics import Evaluation, Plan, Resamples, evaluate
from suffice.lab.operating import Evidence, OperatingPoint, measure_point
from suffice.lab.rating import TURN_DECAY, Ratings, rate_all
from suffice.lab.trial import Note, Trial, ignore

BALANCED = "balanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The first tier's highest complexity, by name."""

    calibrated: Mapping[str, float]
    """Of the bundle."""
    fallback: float
    """For `balanced`, where the bundle has none."""

    @property
    def all(self) -> dict[str, float]:
        """By name, the one that sends most to the large model first."""
        known = {BALANCED: self.fallback, **self.calibrated}
        return {name: known[name] for name in THRESHOLD_NAMES if name in known}

    @property
    def balanced(self) -> float:
        """The one that is in force where a client names none."""
        return self.all[BALANCED]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """Everything that is said of a bundle."""

    bundle: Bundle
    trial: Trial
    ratings: Ratings
    evaluation: Evaluation
    thresholds: Thresholds
    points: Mapping[str, OperatingPoint]
    """What each of the thresholds does."""
    categories: Sequence[CategoryRow] | None
    """None where queries have none, or all the same one."""
    warnings: Sequence[str]

    def document(self) -> dict[str, object]:
        """For machines: all keys of `Evaluation.to_json`, and what it was measured on."""
        manifest, trial = self.bundle.manifest, self.trial
        return {
            **self.evaluation.to_json(),
            "bundle": {
                "id": self.bundle.id,
                "kind": manifest.kind,
                "created": manifest.created,
                "models": list(manifest.models),
                "generic": manifest.generic,
            },
            "dataset": {
                "sha256": trial.dataset_hash,
                "small": trial.small,
                "large": trial.large,
                "left_out": dict(trial.left_out),
            },
            "operating_points": {
                name: {**point.document(), "calibrated": name in self.thresholds.calibrated}
                for name, point in self.points.items()
            },
            "categories": None if self.categories is None else [row.document() for row in self.categories],
            "warnings": list(self.warnings),
        }


def examine(
    bundle: Bundle,
    trial: Trial,
    plan: Plan,
    *,
    fallback_threshold: float,
    turn_decay: float = TURN_DECAY,
    note: Note = ignore,
) -> Examination:
    """Measure a bundle.

    Args:
        bundle: The bundle.
        trial: What it is measured on.
        plan: How.
        fallback_threshold: Of the first tier, where the bundle has none by the name `balanced`.
        turn_decay: As `routing.turn_decay` of the gateway.
        note: Told of every step.

    Raises:
        BundleError: The bundle's model cannot be used.
    """
    note("rating requests")
    ratings = rate_all(bundle, trial.requests, turn_decay=turn_decay)
    note("rating requests by the controls")
    baselines = rate_exemplars(trial.requests, turn_decay=turn_decay)
    note(f"measuring on {plan.n_resamples:,} resamples")
    outcomes = trial.outcomes
    evaluation = evaluate(ratings.complexity, ratings.p_ok_of(trial.small), outcomes, baselines=baselines, plan=plan)
    resamples = Resamples.draw(outcomes.groups, n_resamples=plan.n_resamples, seed=plan.seed)
    evidence = Evidence(resamples=resamples, scores=outcomes.scores, level=plan.level)
    thresholds = Thresholds(calibrated=bundle.manifest.thresholds, fallback=fallback_threshold)
    points = {
        name: measure_point(threshold, ratings.complexity, evidence) for name, threshold in thresholds.all.items()
    }
    categories = None
    if outcomes.categories is not None:
        note("measuring categories")
        to_large = (ratings.complexity > thresholds.balanced).astype(np.float64)
        categories = measure_categories(outcomes.categories, to_large, outcomes.scores, resamples, level=plan.level)
    return Examination(
        bundle=bundle,
        trial=trial,
        ratings=ratings,
        evaluation=evaluation,
        thresholds=thresholds,
        points=points,
        categories=categories,
        warnings=warn_of(bundle, trial),
    )


def warn_of(bundle: Bundle, trial: Trial) -> list[str]:
    """What whoever reads the figures must know."""
    warnings = warn_of_training(bundle, trial.dataset_hash)
    if trial.small not in bundle.manifest.models:
        warnings.append(
            f"the bundle knows {', '.join(bundle.manifest.models)}, but not {trial.small}: there is no p_ok to measure,"
            " and the AUC is that of the complexity"
        )
    if trial.outcomes.categories is None:
        warnings.append("the queries have no categories, or all the same one: no control and no table by category")
    return warnings


def warn_of_training(bundle: Bundle, dataset_hash: str) -> list[str]:
    """Say where a bundle is measured on what it was trained on; data that were only a part of it are not recognised."""
    return [
        f"bundle {bundle.id} was trained on these very data ({source.name}, {source.n_queries} queries): every figure"
        " is too good; measure on queries that did not train it"
        for source in bundle.manifest.sources
        if source.sha256 == dataset_hash
    ]
