"""What a router is worth on paired outcomes, with intervals that resample whole groups of prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_RESAMPLES = 2_000


@dataclass(frozen=True)
class Outcomes:
    """Both models' answers to the same prompts."""

    small: Floats
    """1.0 where the small model is right, shape (n,)."""
    large: Floats
    weights: Floats
    """How often each prompt is in each sample, shape (samples, n); the first sample is the original."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        """As per cent, for a table."""
        return f"{self.value:6.1%} [{self.low:.1%}, {self.high:.1%}]"

    def decimal(self) -> str:
        """As it is, for a table."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def resample(groups: Sequence[str], *, seed: int = 0) -> Floats:
    """How often each prompt is drawn when whole groups are, shape (1 + N_RESAMPLES, n); the first row is all ones.

    Source:
        Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements for inference with clustered errors", III.A.
    """
    _, cluster = np.unique(np.asarray(groups), return_inverse=True)
    n_clusters = int(cluster.max()) + 1
    rng = np.random.default_rng(seed)
    times = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=N_RESAMPLES)
    return np.vstack([np.ones(len(groups)), times[:, cluster]]).astype(np.float64)


def estimate(samples: Floats) -> Estimate:
    """The first sample's figure with the percentile interval of the others; samples without a figure are NaN."""
    low, high = np.nanquantile(samples[1:], [0.025, 0.975])
    return Estimate(float(samples[0]), float(low), float(high))


def mean_of(values: Floats) -> Callable[[Outcomes], Floats]:
    """The weighted mean of values, shape (samples,)."""
    return lambda outcomes: outcomes.weights @ values / outcomes.weights.sum(axis=1)


def routed(to_large: NDArray[np.bool_]) -> Callable[[Outcomes], Floats]:
    """Answers right where these prompts go to the large model, shape (samples,)."""
    return lambda outcomes: mean_of(np.where(to_large, outcomes.large, outcomes.small))(outcomes)


def shuffled(to_large: NDArray[np.bool_]) -> Callable[[Outcomes], Floats]:
    """Answers right, in expectation, where as many prompts drawn at random go to the large model, shape (samples,)."""

    def compute(outcomes: Outcomes) -> Floats:
        share = mean_of(to_large.astype(np.float64))(outcomes)
        return (1 - share) * mean_of(outcomes.small)(outcomes) + share * mean_of(outcomes.large)(outcomes)

    return compute


def area_under_gain(scores: Floats, outcomes: Outcomes) -> Floats:
    """APGR by an exact sweep over all thresholds, shape (samples,); 0.5 is chance.

    The gap recovered at a share a of prompts sent to the large model, highest scores first, is
    PGR(a) = (right(a) - right(0)) / (right(1) - right(0)), and APGR its mean over a from 0 to 1. Prompts with equal
    scores go in random order, so that PGR is linear between thresholds. NaN where the large model gains nothing.

    Source:
        Ong et al. 2024, "RouteLLM", section 2.2, which takes ten points; this takes all.
    """
    levels, which = np.unique(-scores, return_inverse=True)
    members = np.eye(levels.size)[which]
    mass = outcomes.weights @ members
    gain = (outcomes.weights * (outcomes.large - outcomes.small)) @ members
    share = np.cumsum(mass, axis=1) / mass.sum(axis=1, keepdims=True)
    total = gain.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        recovered = np.where(total > 0, np.cumsum(gain, axis=1) / total, np.nan)
    start = np.zeros((share.shape[0], 1))
    return np.asarray(np.trapezoid(np.hstack([start, recovered]), np.hstack([start, share]), axis=1))
