"""What the records say: traffic split, cost against always-large, latency, escalation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.recording.store import Store, Totals, Use

MAX_LARGE_SHARE = 0.30
"""Above it the published routing setups ask whether the threshold is too low."""

N_RESAMPLES = 1_000
SEED = 20_261_123


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A ratio with its 95 % interval."""

    value: float
    low: float | None
    """None: fewer than two sessions, so nothing can be said."""
    high: float | None
    n: int
    """Requests in the denominator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Of a time in seconds."""

    n: int
    p50_s: float
    p95_s: float
    p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSummary:
    """Requests that a tier answered in the end."""

    n: int
    share: float
    """Of the requests that some tier answered."""
    cost_usd: float
    """Of all attempts of these requests."""
    duration: Percentiles | None
    """Of whole answers that reached the client."""
    first_byte: Percentiles | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of `suffice stats`."""

    totals: Totals
    n_dropped: int
    tiers: Mapping[str, TierSummary]
    reasons: Mapping[str, Use]
    proposals: Mapping[str, Use]
    """By the tier that `route` mode would have asked first, where another mode was in force."""
    errors: Mapping[str, int]
    saving: Estimate | None
    """1 - cost / always-large, over the requests for which a tier was chosen."""
    large_share: Estimate | None
    """Of the routed requests, those that the top tier answered in the end."""
    escalation_rate: Estimate | None
    """Of the routed requests, those that another tier than the first answered."""
    cache_hit_rate: Estimate | None
    """Of the requests that looked into the decision cache."""
    warnings: Sequence[str]


def summarise(store: Store) -> Summary:
    """Compute all figures.

    Raises:
        RecordingError: The records cannot be read.
    """
    totals = store.totals()
    clusters = store.clusters(totals.n_sessions)
    spent = estimate_ratio(clusters.cost_usd, clusters.always_large_usd)
    saving = _complement(spent, n=totals.n_decided) if spent else None
    large_share = estimate_share(clusters.n_large, clusters.n_routed)
    escalation_rate = estimate_share(clusters.n_escalated, clusters.n_routed)
    return Summary(
        totals=totals,
        n_dropped=store.n_dropped(),
        tiers=_tiers(store),
        reasons=store.uses_of("reason"),
        proposals=store.uses_of("proposed_tier"),
        errors=store.errors(),
        saving=saving,
        large_share=large_share,
        escalation_rate=escalation_rate,
        cache_hit_rate=estimate_share(clusters.n_cache_hits, clusters.n_cache_lookups),
        warnings=_warnings(large_share, escalation_rate),
    )


def estimate_ratio(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> Estimate | None:
    """Ratio of two sums, with a percentile bootstrap interval over clusters.

    Args:
        numerators: Sum of each cluster, shape (clusters,).
        denominators: Sum of each cluster, shape (clusters,).

    Returns:
        The estimate; None where the denominators are all zero.

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", ch. 13; whole clusters are drawn, as
        Cameron, Gelbach & Miller 2008 do ("Bootstrap-Based Improvements for Inference with Clustered Errors").
    """
    total = float(denominators.sum())
    if total == 0.0:
        return None
    value = float(numerators.sum()) / total
    n_clusters = len(denominators)
    if n_clusters < 2:
        return Estimate(value=value, low=None, high=None, n=round(total))
    rng = np.random.default_rng(SEED)
    weights = rng.multinomial(n_clusters, np.full(n_clusters, 1.0 / n_clusters), size=N_RESAMPLES).astype(np.float64)
    drawn = weights @ denominators
    ratios = (weights @ numerators)[drawn > 0] / drawn[drawn > 0]
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Estimate(value=value, low=float(low), high=float(high), n=round(total))


def estimate_share(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> Estimate | None:
    """As `estimate_ratio`, for counts that are part of other counts.

    A bootstrap of nothing but zeros has no width; there the rule of three over clusters gives the open end.

    Source:
        Hanley & Lippman-Hand 1983, "If Nothing Goes Wrong, Is Everything All Right?".
    """
    estimate = estimate_ratio(numerators, denominators)
    if estimate is None or estimate.low is None or 0.0 < estimate.value < 1.0:
        return estimate
    margin = min(1.0, 3.0 / int(np.count_nonzero(denominators)))
    low, high = (0.0, margin) if estimate.value == 0.0 else (1.0 - margin, 1.0)
    return Estimate(value=estimate.value, low=low, high=high, n=estimate.n)


def _complement(estimate: Estimate, *, n: int) -> Estimate:
    low = None if estimate.high is None else 1.0 - estimate.high
    high = None if estimate.low is None else 1.0 - estimate.low
    return Estimate(value=1.0 - estimate.value, low=low, high=high, n=n)


def _tiers(store: Store) -> dict[str, TierSummary]:
    uses = store.uses_of("tier")
    n_served = sum(use.n for use in uses.values())
    return {tier: _tier(store, tier, use, n_served) for tier, use in uses.items()}


def _tier(store: Store, tier: str, use: Use, n_served: int) -> TierSummary:
    times = store.times(tier)
    return TierSummary(
        n=use.n,
        share=use.n / n_served,
        cost_usd=use.cost_usd,
        duration=_percentiles(times[:, 0]),
        first_byte=_percentiles(times[:, 1]),
    )


def _percentiles(times_s: NDArray[np.float64]) -> Percentiles | None:
    known = times_s[~np.isnan(times_s)]
    if known.size == 0:
        return None
    p50, p95, p99 = (float(x) for x in np.quantile(known, [0.50, 0.95, 0.99]))
    return Percentiles(n=known.size, p50_s=p50, p95_s=p95, p99_s=p99)


def _warnings(large_share: Estimate | None, escalation_rate: Estimate | None) -> list[str]:
    warnings: list[str] = []
    limit = f"above {MAX_LARGE_SHARE:.0%}"
    if large_share and large_share.value > MAX_LARGE_SHARE:
        warnings.append(
            f"{large_share.value:.0%} of the routed requests end on the top tier, {limit}: threshold too low?"
        )
    if escalation_rate and escalation_rate.value > MAX_LARGE_SHARE:
        warnings.append(
            f"{escalation_rate.value:.0%} of the routed requests are escalated, {limit}: threshold too high?"
        )
    return warnings
