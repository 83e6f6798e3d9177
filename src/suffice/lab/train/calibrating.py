"""From raw predictions of success, none of which trained its own, to probabilities that hold."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.calibrators import Calibrator, Isotonic, Platt
from suffice.lab.dataset import extras
from suffice.lab.metrics import Floats

_MIN_ISOTONIC = 1_000
"""Outcomes below which steps would follow chance."""

_MAX_SLOPE = 1e4
_MIN_SPREAD = 1e-9
"""Standard deviation below which raw predictions are all the same, and a slope would be made of rounding errors."""

_MAX_POINTS = 64


def fit_platt(raw: Floats, ok: Floats) -> Platt:
    """A logistic curve through raw predictions; targets are smoothed as Platt does.

    Args:
        raw: Shape (n,).
        ok: 1.0 or 0.0, shape (n,).

    Source:
        Platt 1999, "Probabilistic outputs for support vector machines", section 2.2.
    """
    n_ok = float(ok.sum())
    n_failed = ok.size - n_ok
    wanted = np.where(ok > 0, (n_ok + 1) / (n_ok + 2), 1 / (n_failed + 2))
    minimise = extras.load("scipy.optimize", purpose="calibrators").minimize
    centre, spread = float(raw.mean()), float(raw.std())
    if spread < _MIN_SPREAD:
        return Platt(0.0, float(np.log((n_ok + 1) / (n_failed + 1))))
    scaled = (raw - centre) / spread

    def loss(parameters: Floats) -> tuple[float, Floats]:
        logits = parameters[0] * scaled + parameters[1]
        p = 1 / (1 + np.exp(-np.clip(logits, -40, 40)))
        value = float(np.sum(np.logaddexp(0, logits) - wanted * logits))
        return value, np.array([((p - wanted) * scaled).sum(), (p - wanted).sum()])

    start = np.array([0.5, np.log((n_ok + 1) / (n_failed + 1))])
    slope, intercept = minimise(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, _MAX_SLOPE), (None, None)]).x
    return Platt(float(slope / spread), float(intercept - slope * centre / spread))


def fit_isotonic(raw: Floats, ok: Floats) -> Isotonic:
    """A rising curve through the means of blocks of raw predictions, `_MAX_POINTS` points at most.

    Source:
        Zadrozny and Elkan 2002; blocks of equal size first, so that no point rests on a handful of outcomes.
    """
    order = np.argsort(raw, kind="stable")
    blocks = np.array_split(order, min(_MAX_POINTS, max(2, raw.size // 50)))
    scores = np.array([raw[block].mean() for block in blocks])
    sizes = np.array([block.size for block in blocks], dtype=np.float64)
    isotonic = extras.load("sklearn.isotonic", purpose="calibrators").isotonic_regression
    heights = isotonic(np.array([ok[block].mean() for block in blocks]), sample_weight=sizes, y_min=0, y_max=1)
    scores, first = np.unique(scores, return_index=True)
    return Isotonic(scores, np.maximum.accumulate(heights[first]))


def calibrate(raw: Floats, ok: Floats, folds: NDArray[np.intp]) -> tuple[Calibrator, Floats]:
    """The calibrator with the smaller cross-validated loss, and every row's probability by one fitted without its fold.

    Args:
        raw: Predictions of success, none of which trained its own, shape (n,).
        ok: What happened, shape (n,).
        folds: Shape (n,).

    Returns:
        The calibrator fitted on all rows, and probabilities of shape (n,).
    """
    ways: list[Callable[[Floats, Floats], Calibrator]] = [fit_platt]
    if raw.size >= _MIN_ISOTONIC:
        ways.append(fit_isotonic)
    held = [_hold_out(way, raw, ok, folds) for way in ways]
    losses = [float(-np.mean(np.log(np.where(ok > 0, p, 1 - p)))) for p in held]
    best = int(np.argmin(losses))
    return ways[best](raw, ok), held[best]


def _hold_out(way: Callable[[Floats, Floats], Calibrator], raw: Floats, ok: Floats, folds: NDArray[np.intp]) -> Floats:
    p = np.empty(raw.size)
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        calibrator = way(raw[inside], ok[inside])
        p[outside] = [calibrator(score) for score in raw[outside].tolist()]
    return p
