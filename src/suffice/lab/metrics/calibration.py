"""Whether probabilities are what they say, and whether scores tell failures from successes."""

import numpy as np
from numpy.typing import NDArray

from suffice.lab.metrics.ranking import Floats, Ranking

N_BINS = 15
_DRAWS_AT_ONCE = 1 << 20


def bin_of(p: Floats, bins: int = N_BINS) -> NDArray[np.intp]:
    """Which of equal-width bins over [0, 1] each probability is in, shape (n,)."""
    # p == 1.0 belongs to the last bin, not to one of its own.
    return np.minimum((p * bins).astype(np.intp), bins - 1)


def expected_calibration_error(p: Floats, ok: Floats, *, bins: int = N_BINS, weights: Floats | None = None) -> float:
    """Mean gap between predicted and observed success, weighted by bin size.

    Args:
        p: Predicted `p_ok`, shape (n,), in [0, 1].
        ok: 1.0 where the answer was acceptable, else 0.0, shape (n,).
        bins: Number of equal-width bins over [0, 1].
        weights: How often each prompt counts, shape (n,); once each if left out.

    Returns:
        ECE in [0, 1]; 0 is perfect. Biased upwards when n / bins is small: see `perfect_ece_quantile`.

    Raises:
        ValueError: `p` is empty or outside [0, 1], or the shapes differ.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3, for the positive class.
    """
    _check(p, ok)
    times = np.ones(p.size) if weights is None else weights
    gap = np.bincount(bin_of(p, bins), weights=times * (p - ok), minlength=bins)
    return float(np.abs(gap).sum() / times.sum())


def brier_score(p: Floats, ok: Floats, *, weights: Floats | None = None) -> float:
    """Mean squared distance of predictions from what happened; arguments and errors as of the calibration error.

    Returns:
        In [0, 1]; 0 is perfect, and always predicting the base rate b gives b * (1 - b).

    Source:
        Brier 1950, "Verification of forecasts expressed in terms of probability", for one of two classes.
    """
    _check(p, ok)
    return float(np.average((p - ok) ** 2, weights=weights))


def auc(ranking: Ranking, positive: Floats, *, weights: Floats | None = None) -> float:
    """Probability that a positive ranks above a negative; ties count half, as with midranks.

    Args:
        ranking: Of n prompts; those of high complexity should be positive.
        positive: 1.0 where the prompt is, else 0.0, shape (n,).
        weights: How often each prompt counts, shape (n,); once each if left out.

    Returns:
        In [0, 1]; chance is .5. NaN where all are positive, or none is.

    Raises:
        ValueError: `ranking` has another number of prompts than `positive`.

    Source:
        Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve": the Mann-Whitney statistic.
    """
    if ranking.n != positive.size:
        raise ValueError(f"{ranking.n} complexities for {positive.size} outcomes")
    times = np.ones(positive.size) if weights is None else weights
    positives = ranking.total(times * positive)
    negatives = ranking.total(times * (1 - positive))
    n_pairs = positives.sum() * negatives.sum()
    if n_pairs == 0:
        return float("nan")
    negatives_below = negatives.sum() - np.cumsum(negatives)
    return float(positives @ (negatives_below + negatives / 2) / n_pairs)


def perfect_ece_quantile(p: Floats, *, level: float = 0.95, n_simulations: int = 1000, seed: int = 0) -> float:
    """The calibration error that a perfectly calibrated predictor stays below, with these predictions.

    Outcomes are drawn from the predictions themselves, independently, so that all error is chance. With predictions
    spread evenly over [0, 1], 95 % stay below .099 at n = 270 and below .037 at n = 2,000: an ECE without n beside it
    means nothing.

    Args:
        p: Predicted `p_ok`, shape (n,), in [0, 1].
        level: Share of simulated predictors that stay below, in (0, 1).
        n_simulations: Number of simulated sets of outcomes.
        seed: Of the draws.

    Raises:
        ValueError: `p` is empty or outside [0, 1].

    Source:
        Broecker and Smith 2007, "Increasing the reliability of reliability diagrams": consistency resampling.
    """
    _check(p, p)
    order = np.argsort(bin_of(p), kind="stable")
    rising = p[order]
    starts = np.flatnonzero(np.diff(bin_of(rising), prepend=-1))
    rng = np.random.default_rng(seed)
    errors = np.empty(n_simulations)
    at_once = max(1, _DRAWS_AT_ONCE // p.size)
    for first in range(0, n_simulations, at_once):
        n_rows = min(at_once, n_simulations - first)
        happened = rng.random((n_rows, p.size)) < rising
        gap = np.add.reduceat(rising - happened, starts, axis=1)
        errors[first : first + n_rows] = np.abs(gap).sum(axis=1) / p.size
    return float(np.quantile(errors, level))


def _check(p: Floats, ok: Floats) -> None:
    if p.size == 0 or p.shape != ok.shape:
        raise ValueError(f"need equal, non-empty shapes; got p {p.shape}, ok {ok.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"{int(np.sum(~((p >= 0) & (p <= 1))))} of {p.size} probabilities are outside [0, 1]")
