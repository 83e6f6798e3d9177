"""From a trained scorer to the file that the gateway loads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suffice.estimators.bundle import Bundle, Manifest, TrainingSource, save
from suffice.estimators.lexical import KIND
from suffice.lab.metrics import Evaluation, PairedOutcomes, Plan, evaluate
from suffice.lab.train.training import Fitted

THRESHOLDS: Mapping[str, float] = {"quality": 4.0, "balanced": 7.0, "cheap": 8.5}
"""Highest complexity of the first tier by name. Complexity is the rank among the prompts trained on, so that of prompts
like these 60, 30 and 15 % go further up; `suffice calibrate` writes better ones."""


def assess(fitted: Fitted, plan: Plan | None = None) -> Evaluation:
    """What cross-validation says of a trained scorer: no row was seen by what rates it, nor counted in choosing it."""
    examples = fitted.examples
    outcomes = PairedOutcomes(
        scores=examples.paired, groups=examples.groups, categories=examples.categories, prompts=examples.texts
    )
    return evaluate(fitted.gain, fitted.p_ok[:, 0], outcomes, plan=plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a bundle comes from."""

    sources: Sequence[TrainingSource]
    """What it was trained on."""
    created: str
    """Day in ISO 8601."""
    generic: bool = False
    """Trained on public outcomes."""


def write_bundle(
    path: Path,
    fitted: Fitted,
    evaluation: Evaluation,
    provenance: Provenance,
    *,
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> Bundle:
    """Write a bundle; see `estimators.bundle.save`.

    Args:
        path: The file.
        fitted: What to write.
        evaluation: Of the same, by `assess`.
        provenance: Where it comes from.
        thresholds: Highest complexity of the first tier by name.

    Raises:
        BundleError: The file cannot be written.
    """
    manifest = Manifest(
        kind=KIND,
        models=fitted.examples.models,
        created=provenance.created,
        sources=tuple(provenance.sources),
        metrics=describe(evaluation),
        thresholds=thresholds,
        parameters=fitted.trained.to_parameters(),
        generic=provenance.generic,
    )
    return save(path, manifest, fitted.trained.to_arrays())


def describe(evaluation: Evaluation) -> dict[str, float]:
    """The figures that a bundle carries: cross-validated, on the prompts trained on."""
    gain = evaluation.gain
    figures = {
        "n": float(evaluation.n),
        "n_groups": float(evaluation.n_groups),
        "cv_apgr": gain.apgr.estimate,
        "cv_apgr_low": gain.apgr.low,
        "cv_apgr_high": gain.apgr.high,
        "cv_cpt50": gain.cpt50.estimate,
        "cv_cpt80": gain.cpt80.estimate,
        "cv_acc_at_15": gain.acc_at_15.estimate,
        "cv_auc": evaluation.auc.estimate,
        "cv_ece": np.nan if evaluation.ece is None else evaluation.ece.estimate,
        "cv_brier": np.nan if evaluation.brier is None else evaluation.brier.estimate,
        "always_small": evaluation.always_small.estimate,
        "always_large": evaluation.always_large.estimate,
    }
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}
