"""Every threshold that makes a difference, and what each would do."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from suffice.lab.metrics import Floats, PairedScores
from suffice.lab.metrics.gain import MIN_GAP
from suffice.lab.operating import Costs
from suffice.vocabulary import MAX_COMPLEXITY

_MAX_DECIMALS = 17


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choices:
    """Thresholds, rising, with what each does; shape (k,) all."""

    lowest: Floats
    """The lowest number that is this threshold."""
    highest: Floats
    """The number below which it is still this threshold."""
    share: Floats
    """Of the requests, to the large model; falling."""
    recovered: Floats | None
    """Share of the gap between both models; None without scores, NaN where the large model gains nothing."""
    cost: Floats | None
    """Share of the always-large bill; None without costs."""

    @classmethod
    def of(cls, complexity: Floats, scores: PairedScores | None = None, costs: Costs | None = None) -> Self:
        """Find the thresholds for n requests.

        Args:
            complexity: Shape (n,), in [0, 10].
            scores: Of both models' answers to the same requests.
            costs: Of the same answers.
        """
        levels, level_of = np.unique(complexity, return_inverse=True)
        n = complexity.size

        def below(values: Floats) -> Floats:
            """Sums over the requests up to each level, none of them first."""
            return np.concatenate([[0.0], np.cumsum(np.bincount(level_of, weights=values))])

        share = 1 - below(np.ones(n)) / n
        recovered = cost = None
        if scores is not None:
            gap = float(scores.uplift.sum())
            recovered = 1 - below(scores.uplift) / gap if gap / n >= MIN_GAP else np.full(levels.size + 1, np.nan)
        if costs is not None:
            bill = float(costs.large.sum())
            cost = 1 - below(costs.large - costs.small) / bill if bill > 0 else np.full(levels.size + 1, np.nan)
        bounds = np.concatenate([[0.0], levels, [np.nextafter(MAX_COMPLEXITY, np.inf)]])
        # Nothing is below 0: where some request has complexity 0, no threshold keeps it from the small model.
        real = bounds[1:] > bounds[:-1]
        return cls(
            lowest=bounds[:-1][real],
            highest=bounds[1:][real],
            share=share[real],
            recovered=None if recovered is None else recovered[real],
            cost=None if cost is None else cost[real],
        )

    def number(self, index: int) -> float:
        """The threshold as it is written: with the fewest decimals that are still this one, near the middle."""
        low, high = float(self.lowest[index]), float(self.highest[index])
        middle = (low + min(high, MAX_COMPLEXITY)) / 2
        rounded = (round(middle, decimals) for decimals in range(_MAX_DECIMALS))
        return next((one for one in rounded if low <= one < high), low)
