"""Intervals for any figure, from resamples of whole groups of prompts.

A resample is told by how often each prompt is in it, so that what was sorted once stays sorted.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from suffice.lab.intervals import Interval
from suffice.lab.metrics.ranking import Floats

Name = TypeVar("Name", bound=Hashable)

N_RESAMPLES = 1000
LEVEL = 0.95
_MIN_GROUPS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A figure, and what it is on each resample; figures of the same resamples may be subtracted."""

    estimate: float
    """NaN where there is none."""
    resampled: Floats
    """Shape (n_resamples,), NaN where a resample has none."""
    n: int
    n_groups: int

    def __sub__(self, other: "Figure") -> "Figure":
        """The paired difference, resample by resample: what two routers have in common cancels out."""
        return Figure(self.estimate - other.estimate, self.resampled - other.resampled, self.n, self.n_groups)

    def interval(self, level: float = LEVEL) -> Interval:
        """The percentile interval, widened to the estimate where all resamples lie on one side of it.

        The bounds are NaN where there is one group only, or where more resamples have no figure than the interval
        would leave out: the rest would look surer than it is.

        Source:
            Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
        """
        return self._within(*self._quantiles(level))

    def reflected(self, level: float = LEVEL) -> Interval:
        """The basic interval: percentiles mirrored at the estimate, cut at 0; otherwise as `interval`.

        For errors that sampling can only enlarge, such as the ECE: resampling adds the same bias once more, and the
        mirror takes it off.

        Source:
            Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 5.2.1.
        """
        mirrored = 2 * self.estimate - np.array(self._quantiles(level))
        high, low = np.maximum(0.0, mirrored).tolist()
        return self._within(low, high)

    def _quantiles(self, level: float) -> tuple[float, float]:
        known = self.resampled[~np.isnan(self.resampled)]
        if self.n_groups < _MIN_GROUPS or known.size < level * self.resampled.size:
            return float("nan"), float("nan")
        low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def _within(self, low: float, high: float) -> Interval:
        estimate = self.estimate
        if not np.isnan(low + high + estimate):
            low, high = min(low, estimate), max(high, estimate)
        return Interval(estimate=estimate, low=low, high=high, n=self.n, n_groups=self.n_groups)


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """Resamples of the same prompts, for all figures that are to be compared."""

    group_of: NDArray[np.intp]
    """Of each prompt, which group it is in, shape (n,)."""
    counts: NDArray[np.uint16]
    """How often each resample holds each group, shape (n_resamples, n_groups)."""

    @classmethod
    def draw(cls, groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Self:
        """Draw as many groups as there are, with replacement, again and again.

        Args:
            groups: Of each prompt, the group or conversation it belongs to; see `join` for both at once.
            n_resamples: How often.
            seed: Equal seeds and groups give equal resamples.

        Raises:
            ValueError: No prompts, or no resamples.

        Source:
            Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements for inference with clustered errors", III.A.
        """
        if len(groups) == 0 or n_resamples < 1:
            raise ValueError(f"need one prompt and one resample at least; got {len(groups)} and {n_resamples}")
        names, group_of = np.unique(np.asarray(groups), return_inverse=True)
        rng = np.random.default_rng(seed)
        share = np.full(names.size, 1 / names.size)
        counts = np.empty((n_resamples, names.size), dtype=np.uint16)
        for row in range(n_resamples):
            counts[row] = rng.multinomial(names.size, share)
        return cls(group_of, counts)

    def measure(self, compute: Callable[[Floats], Mapping[Name, float]]) -> dict[Name, Figure]:
        """Compute several figures on the prompts and on each resample.

        Args:
            compute: Takes how often each prompt counts, shape (n,); returns the same names each time.
        """
        n = self.group_of.size
        estimates = compute(np.ones(n))
        resampled = {name: np.empty(self.counts.shape[0]) for name in estimates}
        for row, counts in enumerate(self.counts):
            for name, value in compute(counts[self.group_of].astype(np.float64)).items():
                resampled[name][row] = value
        n_groups = self.counts.shape[1]
        return {name: Figure(float(value), resampled[name], n, n_groups) for name, value in estimates.items()}

    def figure(self, compute: Callable[[Floats], float]) -> Figure:
        """Compute one figure; `compute` takes how often each prompt counts, shape (n,)."""
        return self.measure(lambda weights: {"": compute(weights)})[""]

    def figure_by_index(self, compute: Callable[[NDArray[np.intp]], float]) -> Figure:
        """Compute one figure; `compute` takes the places of the prompts in the resample, repeated ones repeated."""
        prompts = np.arange(self.group_of.size)
        return self.figure(lambda weights: compute(np.repeat(prompts, weights.astype(np.intp))))


def join(*clusterings: Sequence[str]) -> list[str]:
    """Merge clusterings of the same prompts: what shares a cluster in any of them shares one in the result.

    Args:
        clusterings: Such as prompt groups and conversations, each with a name per prompt.

    Returns:
        A cluster's name per prompt.

    Raises:
        ValueError: None given, or of different lengths.
    """
    if not clusterings or len({len(names) for names in clusterings}) != 1:
        raise ValueError(f"need clusterings of one length; got {[len(names) for names in clusterings]}")
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def root(node: tuple[int, str]) -> tuple[int, str]:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for names in zip(*clusterings, strict=True):
        first, *others = enumerate(names)
        for other in others:
            parent[root(other)] = root(first)
    # Of the first clustering's names, the smallest: the result must not depend on the order of prompts.
    smallest: dict[tuple[int, str], str] = {}
    for name in sorted(set(clusterings[0])):
        smallest.setdefault(root((0, name)), name)
    return [smallest[root((0, name))] for name in clusterings[0]]
