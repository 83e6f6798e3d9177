"""How much of the gap between two models a router recovers, over the share of prompts it sends to the large one.

Prompts go to the large model by falling complexity. Among prompts of equal complexity the order is random, and every
figure is the expected one: between two thresholds, score and share grow together in a straight line. A router that
knows nothing (all complexities equal) is then the shuffled control, exactly: it recovers 20 % of the gap with 20 % of
the prompts, and its APGR is .5.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from suffice.lab.metrics.ranking import Floats, Ranking

MIN_GAP = 1e-9
"""Scores are within [0, 1]: a mean gap below this is a rounding error."""

_ROUNDING = 1e-12
_N_ROUTELLM_STEPS = 10


@dataclass(frozen=True, slots=True, eq=False)
class PairedScores:
    """Both models' scores on the same prompts."""

    small: Floats
    """Score of the small model's answer to each prompt, shape (n,), in [0, 1]; fractions are welcome."""
    large: Floats

    def __post_init__(self) -> None:
        """Check shapes and ranges.

        Raises:
            ValueError: No prompts, unequal shapes, or a score that is NaN or outside [0, 1].
        """
        if self.small.ndim != 1 or self.small.size == 0 or self.small.shape != self.large.shape:
            raise ValueError(f"need equal, non-empty shapes; got small {self.small.shape}, large {self.large.shape}")
        for name, scores in (("small", self.small), ("large", self.large)):
            if wrong := int(np.sum(~((scores >= 0) & (scores <= 1)))):
                raise ValueError(f"{wrong} of {scores.size} scores of the {name} model are outside [0, 1]")

    @property
    def uplift(self) -> Floats:
        """What the large model gains on each prompt, shape (n,), in [-1, 1]."""
        return self.large - self.small


@dataclass(frozen=True, slots=True, eq=False)
class GainCurve:
    """Mean score over the share of prompts sent to the large model; straight between its points."""

    share: Floats
    """From 0 to 1, never falling, shape (points,)."""
    score: Floats

    @classmethod
    def of(cls, ranking: Ranking, scores: PairedScores, weights: Floats | None = None) -> Self:
        """The curve through every threshold.

        Args:
            ranking: Of n prompts.
            scores: Of the same prompts.
            weights: How often each prompt counts, shape (n,); once each if left out.

        Raises:
            ValueError: `ranking` has another number of prompts than `scores`.
        """
        if ranking.n != scores.small.size:
            raise ValueError(f"{ranking.n} complexities for {scores.small.size} scores")
        times = np.ones(ranking.n) if weights is None else weights
        n = times.sum()
        mass = np.cumsum(ranking.total(times))
        gained = np.cumsum(ranking.total(times * scores.uplift))
        share = np.concatenate([[0.0], mass / n])
        return cls(share, times @ scores.small / n + np.concatenate([[0.0], gained / n]))

    @classmethod
    def of_eleven_points(cls, ranking: Ranking, scores: PairedScores, weights: Floats | None = None) -> Self:
        """The curve through RouteLLM's eleven thresholds only, for comparison with tables published with them.

        The thresholds are the deciles of the complexities. Prompts at a threshold go to the large model,
        but for the highest one, above which there are none. Arguments and errors are those of `of`.

        Source:
            github.com/lm-sys/RouteLLM, routellm/evals/benchmarks.py (`pd.qcut(strong_win_rates, 10)`).
        """
        exact = cls.of(ranking, scores, weights)
        mass = ranking.total(np.ones(ranking.n) if weights is None else weights)
        thresholds = _deciles(ranking.levels[::-1], np.cumsum(mass[::-1]))
        n_levels_above = np.searchsorted(-ranking.levels, -thresholds, side="right")
        n_levels_above[-1] = 0
        return cls(exact.share[n_levels_above[::-1]], exact.score[n_levels_above[::-1]])

    @property
    def gap(self) -> float:
        """What the large model gains over the small one on average."""
        return float(self.score[-1] - self.score[0])

    def recovered(self) -> Floats:
        """Performance gap recovered at each point, shape (points,); NaN where the large model gains nothing.

        PGR = (score - score of the small model) / (score of the large model - score of the small model)

        Source:
            Ong et al. 2024, "RouteLLM: Learning to Route LLMs with Preference Data", arXiv 2406.18665, section 2.2.
        """
        if self.gap < MIN_GAP:
            return np.full(self.share.shape, np.nan)
        return (self.score - self.score[0]) / self.gap

    def apgr(self) -> float:
        """Average performance gap recovered: the mean of PGR over all shares; chance is .5, NaN without a gap.

        The integral itself, by trapezoids between the curve's points. Above 1 is possible where the large model loses
        some prompts that the router keeps from it.

        Source:
            Ong et al. 2024, arXiv 2406.18665, section 2.2, whose sum over ten shares approximates the integral.
        """
        recovered = self.recovered()
        return float(np.diff(self.share) @ (recovered[1:] + recovered[:-1]) / 2)

    def cpt(self, target: float) -> float:
        """Call-performance threshold: the smallest share to the large model whose PGR is the target or more.

        Args:
            target: In [0, 1]; .5 for CPT(50).

        Returns:
            Share in [0, 1]; chance is `target`. NaN without a gap.

        Source:
            Ong et al. 2024, arXiv 2406.18665, section 2.2. Their code interpolates as if the curve never fell;
            where it does not fall, this is the same.
        """
        if self.gap < MIN_GAP:
            return float("nan")
        recovered = self.recovered()
        # The sums carry rounding errors: a target met exactly must not be missed by the last bit.
        after = int(np.argmax(recovered >= target - _ROUNDING))
        if after == 0:
            return 0.0
        step = (target - recovered[after - 1]) / (recovered[after] - recovered[after - 1])
        return float(self.share[after - 1] + min(1.0, step) * (self.share[after] - self.share[after - 1]))

    def score_at(self, share: float) -> float:
        """Mean score where this share of prompts goes to the large model; share in [0, 1]."""
        return float(np.interp(share, self.share, self.score))


def _deciles(values: Floats, n_up_to: Floats) -> Floats:
    """For each of the 11 deciles, the smallest value at or above it; `values` rising, `n_up_to` how many up to each.

    Between two values it does not matter where an interpolated threshold lies: the same prompts are at or above it.
    """
    # In integers first: a tenth is no binary fraction, and a decile that falls on a value must be that value.
    position, rest = np.divmod(np.arange(_N_ROUTELLM_STEPS + 1) * (n_up_to[-1] - 1), _N_ROUTELLM_STEPS)
    return values[np.searchsorted(n_up_to, position + (rest > 0), side="right")]
