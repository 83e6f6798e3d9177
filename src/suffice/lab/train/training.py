"""Training a learned scorer from start to end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from suffice.errors import DatasetError
from suffice.estimators.bundle import Bundle
from suffice.estimators.lexical import Landmarks, Layout, Trained, extract
from suffice.estimators.lexical.router import MAX_REFERENCE
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.words import read
from suffice.lab.dataset import assign_folds
from suffice.lab.metrics import Floats
from suffice.lab.train.calibrating import calibrate
from suffice.lab.train.choice import Mixture, choose, choose_penalty, nested
from suffice.lab.train.crossval import Held, Targets, by_target, hold_out, solve_all, view_of
from suffice.lab.train.design import Design, TextFeatures
from suffice.lab.train.examples import Examples, Track
from suffice.lab.train.kernel import make_kernel, word_likeness
from suffice.lab.train.prior import Prior

N_FOLDS = 5
_MIN_FOLDS = 3
_MAX_VOCABULARY = 16_384
_MIN_GROUPS_OF_WORD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """How to train.

    Raises:
        ValueError: Fewer than three folds.
    """

    layout: Layout = field(default_factory=Layout)
    n_folds: int = N_FOLDS
    """Three at least: where one is left out, the others are folds again."""
    seed: int = 0
    """Of the folds."""

    def __post_init__(self) -> None:
        """Check the folds."""
        if self.n_folds < _MIN_FOLDS:
            raise ValueError(f"need {_MIN_FOLDS} folds at least; got {self.n_folds}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A trained scorer, with what cross-validation says of it."""

    trained: Trained
    examples: Examples
    chosen: Mixture
    held: Sequence[Held]
    """Of every candidate."""
    folds: NDArray[np.intp]
    gain: Floats
    """Where each row's expected gain lies in its fold, by `choice.nested`, shape (n,)."""
    p_ok: Floats
    """By models and calibrators that were not fitted on the row's fold; their penalties and view were chosen on all
    rows. Shape (n, n_models)."""
    trust: float | None
    """How much of the warm start's expectation is kept; None: a cold start."""


def train_on(
    examples: Examples, plan: TrainPlan, *, warm_start: Bundle | None = None, track: Track = lambda steps: steps
) -> Fitted:
    """Train on all examples what cross-validation over their groups chooses.

    Args:
        examples: What to learn from.
        plan: How.
        warm_start: A bundle whose expectation is the starting point, as far as the examples support it.
        track: Shows how far it is.

    Raises:
        BundleError: The warm start cannot be used.
        DatasetError: Fewer groups of prompts than folds.
    """
    n_groups = len(set(examples.groups))
    if n_groups < plan.n_folds:
        raise DatasetError(
            f"{examples.n} queries are near-duplicates of each other, in {n_groups} groups, but {plan.n_folds} at least"
            " are needed for cross-validation; take queries that differ more"
        )
    folds = assign_folds(examples.groups, plan.n_folds, seed=plan.seed)
    features = TextFeatures.of(extract(examples.texts, plan.layout), plan.layout)
    prior = None if warm_start is None else Prior.of(warm_start, examples, plan.layout)
    held = hold_out(examples, features, folds, prior=prior, track=track)
    chosen = choose(held, examples.paired)
    gain = nested(held, examples.paired, folds)
    ok = examples.ok
    penalties = [choose_penalty(held[chosen.view].ok[:, model], ok[:, model]) for model in range(ok.shape[1])]
    calibrated = [
        calibrate(held[chosen.view].ok[:, model, penalty], ok[:, model], folds)
        for model, penalty in enumerate(penalties)
    ]
    weights, landmarks, intercepts = _solve(examples, features, folds, prior, (held[chosen.view], chosen, penalties))
    trained = Trained(
        layout=plan.layout,
        weights=weights,
        intercepts=intercepts,
        reference=_spread(chosen.predict(held)),
        typical=features.shapes[:, -len(SURFACE) :].mean(axis=0),
        calibrators=[calibrator for calibrator, _ in calibrated],
        landmarks=landmarks,
        vocabulary=frequent_words(examples),
    )
    return Fitted(
        trained=trained,
        examples=examples,
        chosen=chosen,
        held=held,
        folds=folds,
        gain=gain,
        p_ok=np.column_stack([p for _, p in calibrated]),
        trust=None if prior is None else prior.trust(examples, np.arange(examples.n)),
    )


def _solve(
    examples: Examples,
    features: TextFeatures,
    folds: NDArray[np.intp],
    prior: Prior | None,
    choice: tuple[Held, Mixture, Sequence[int]],
) -> tuple[Floats, Landmarks, Floats]:
    """Weights, landmarks and intercepts of what was chosen, from all rows."""
    held, chosen, penalties = choice
    everything = np.arange(examples.n)
    expected = np.zeros(examples.n) if prior is None else prior.expect(examples, everything)
    targets = Targets.of(examples, folds, expected)
    design = Design.fit(features, view_of(held.view, prior))
    rows = design.rows(features)
    solved = solve_all(make_kernel(rows, word_likeness(rows)), targets.columns())
    mixed = chosen.coefficients(held.gain.shape[1])
    weights, landmarks = design.weigh(*rows.of_rows(_mix(solved.dual, mixed, penalties).astype(np.float32)))
    weights = weights.astype(np.float64)
    intercepts = _mix(solved.intercepts, mixed, penalties)
    if prior is not None:
        trust = prior.trust(examples, everything)
        weights[:, 0] += trust * prior.weights
        intercepts[0] += trust * (prior.intercept - prior.mean)
        if prior.landmarks is not None:
            of_gain = landmarks.weights.copy()
            of_gain[:, 0] += trust * prior.landmarks.weights[:, 0]
            landmarks = Landmarks(landmarks.centre, landmarks.scale, landmarks.places, of_gain)
    return weights, landmarks, intercepts


def _mix(columns: NDArray[np.floating], mixed: Floats, penalties: Sequence[int]) -> Floats:
    """Of columns for every target and penalty those that are served: the gain, and each model's success."""
    solved = by_target(columns)
    gain = np.einsum("...tp,tp->...", solved[..., : mixed.shape[0], :], mixed)
    ok = [solved[..., mixed.shape[0] + model, penalty] for model, penalty in enumerate(penalties)]
    return np.stack([gain, *ok], axis=-1).astype(np.float64)


def _spread(gains: Floats) -> Floats:
    n = min(gains.size, MAX_REFERENCE)
    return np.quantile(gains, np.linspace(0, 1, n))


def frequent_words(examples: Examples) -> list[bytes]:
    """Words that texts of three groups or more have, the most frequent first: what only one or two said stays out."""
    n_groups: Counter[bytes] = Counter()
    by_group = sorted(zip(examples.groups, examples.texts, strict=True), key=itemgetter(0))
    for _, members in groupby(by_group, key=itemgetter(0)):
        n_groups.update({word for _, text in members for word in read(text).words})
    known = [(-n, word) for word, n in n_groups.items() if n >= _MIN_GROUPS_OF_WORD]
    return [word for _, word in sorted(known)[:_MAX_VOCABULARY]]
