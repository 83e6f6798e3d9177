"""Confidence intervals that know which observations belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its interval."""

    estimate: float
    low: float
    high: float
    n: int
    """Observations."""
    n_groups: int
    """Clusters, which is what the width rests on."""

    def document(self, name: str) -> dict[str, object]:
        """For machines: the estimate under its name, the bounds as `NAME_ci`; null for what is NaN."""
        low, high, estimate = (None if isnan(value) else value for value in (self.low, self.high, self.estimate))
        return {name: estimate, f"{name}_ci": None if low is None or high is None else [low, high]}


def mean_interval(
    values: NDArray[np.float64], groups: Sequence[str], *, level: float = 0.95, n_resamples: int = 4000, seed: int = 0
) -> Interval:
    """The mean with its percentile interval, whole groups resampled with replacement.

    Args:
        values: Observations, shape (n,).
        groups: The cluster of each observation, length n.
        level: Coverage asked for, in (0, 1).
        n_resamples: Bootstrap samples.
        seed: Of the resampling: equal inputs give equal intervals.

    Raises:
        ValueError: No observations, or another number of groups than of values.

    Source:
        Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements for inference with clustered errors",
        section III.A (pairs cluster bootstrap).
    """
    if values.size == 0 or values.size != len(groups):
        raise ValueError(f"need as many groups as values, and one at least; got {values.size} and {len(groups)}")
    _, cluster = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(cluster, weights=values)
    sizes = np.bincount(cluster).astype(np.float64)
    picks = np.random.default_rng(seed).integers(0, sums.size, size=(n_resamples, sums.size))
    means = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate=float(values.mean()), low=float(low), high=float(high), n=values.size, n_groups=sums.size)
