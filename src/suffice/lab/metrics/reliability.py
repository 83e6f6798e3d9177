"""Predicted beside observed success, bin by bin, with what chance alone would make of it."""

from dataclasses import dataclass

import numpy as np

from suffice.lab.metrics.calibration import N_BINS, bin_of
from suffice.lab.metrics.ranking import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Predictions of about the same probability."""

    index: int
    """Of the bins over [0, 1]."""
    n: int
    predicted: float
    """Mean p_ok."""
    observed: float
    """Share of acceptable answers."""
    low: float
    """Between `low` and `high` lies the observed share of most predictors that are perfectly calibrated."""
    high: float

    @property
    def is_off(self) -> bool:
        """Whether chance alone would seldom do that."""
        return not self.low <= self.observed <= self.high


def measure_reliability(
    p: Floats, ok: Floats, *, bins: int = N_BINS, level: float = 0.95, n_simulations: int = 1000, seed: int = 0
) -> list[ReliabilityBin]:
    """The bins that hold something, by rising probability.

    Args:
        p: Predicted `p_ok`, shape (n,), in [0, 1].
        ok: 1.0 where the answer was acceptable, else 0.0, shape (n,).
        bins: Number of equal-width bins over [0, 1].
        level: Share of perfectly calibrated predictors within the band, bin by bin.
        n_simulations: Number of simulated sets of outcomes.
        seed: Of the draws.

    Source:
        Broecker and Smith 2007, "Increasing the reliability of reliability diagrams": consistency resampling.
    """
    rng = np.random.default_rng(seed)
    which = bin_of(p, bins)
    tail = (1 - level) / 2
    found: list[ReliabilityBin] = []
    for index in np.unique(which).tolist():
        inside = which == index
        own = p[inside]
        # Sums of draws bin by bin: as many numbers at once as the bin has predictions.
        shares = [float((rng.random(own.size) < own).mean()) for _ in range(n_simulations)]
        low, high = np.quantile(shares, [tail, 1 - tail]).tolist()
        found.append(
            ReliabilityBin(
                index=index,
                n=int(own.size),
                predicted=float(own.mean()),
                observed=float(ok[inside].mean()),
                low=low,
                high=high,
            )
        )
    return found
