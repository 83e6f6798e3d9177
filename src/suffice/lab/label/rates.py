"""How good each model's answers are, by each source of labels, with intervals; no figure mixes two sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suffice.lab.dataset import OK_SCORE, Query
from suffice.lab.intervals import Interval
from suffice.lab.label.humans import measure_error
from suffice.lab.label.judge_error import CorrectedRate
from suffice.lab.label.scoring import CHECK_PREFIX, HUMAN, Label, Place
from suffice.lab.metrics.bootstrap import Floats, Resamples

_RULE_OF_THREE = 3.0
_CHECKS = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The share of acceptable answers of one model, as one source sees it."""

    tier: str
    source: str
    is_reference: bool
    """The source takes this model's answers as acceptable, so that its rate says nothing."""
    acceptable: Interval
    """Weighted by inverse inclusion probability, clustered by prompt group."""
    mean_score: Interval
    corrected: CorrectedRate | None
    """With the source's error taken out; None where people labelled none of these answers."""


def measure_rates(
    queries: Sequence[Query],
    groups: Mapping[str, str],
    tiers: Sequence[str],
    labels: Mapping[Place, Label],
    human: Mapping[Place, Label],
) -> list[Rate]:
    """All rates, tier by tier.

    Args:
        queries: What was labelled.
        groups: The prompt group of each query.
        tiers: Cheapest first.
        labels: By machines.
        human: By people, of some of the same answers or of others.
    """
    rates: list[Rate] = []
    for tier in tiers:
        of_tier = {place: label for place, label in labels.items() if place[1] == tier}
        for source in sorted({_family(label) for label in of_tier.values()}):
            own = {place: label for place, label in of_tier.items() if _family(label) == source}
            is_reference = tier == tiers[-1] and source != _CHECKS
            corrected = None if is_reference else measure_error(queries, groups, tier, own, human)
            rate = _measure(queries, groups, tier, own)
            rates.append(replace(rate, source=source, is_reference=is_reference, corrected=corrected))
        by_people = {place: label for place, label in human.items() if place[1] == tier}
        if by_people:
            rates.append(_measure(queries, groups, tier, by_people))
    return rates


def _family(label: Label) -> str:
    """All kinds of checks together; a judge, or agreement, by its name."""
    return _CHECKS if label.source.startswith(CHECK_PREFIX) else label.source


def _measure(queries: Sequence[Query], groups: Mapping[str, str], tier: str, labels: Mapping[Place, Label]) -> Rate:
    labelled = [query for query in queries if (query.query_id, tier) in labels]
    scores = np.array([labels[query.query_id, tier].score for query in labelled])
    weights = np.array([1.0 / (query.inclusion_probability or 1.0) for query in labelled])
    resamples = Resamples.draw([groups[query.query_id] for query in labelled])

    def mean(values: Floats) -> Interval:
        return resamples.figure(lambda counts: float((counts * weights) @ values / (counts @ weights))).interval()

    return Rate(
        tier=tier,
        source=HUMAN,
        is_reference=False,
        acceptable=_open_end(mean((scores >= OK_SCORE).astype(np.float64))),
        mean_score=mean(scores),
        corrected=None,
    )


def _open_end(interval: Interval) -> Interval:
    """A share of 0 or 1 with an interval that is not of width 0, which is all that a bootstrap of it can give.

    Source:
        Hanley and Lippman-Hand 1983, "If Nothing Goes Wrong, Is Everything All Right?" (3 / n), n being groups.
    """
    margin = min(1.0, _RULE_OF_THREE / interval.n_groups)
    if interval.estimate == 0.0:
        return replace(interval, low=0.0, high=margin)
    if interval.estimate == 1.0:
        return replace(interval, low=1.0 - margin, high=1.0)
    return interval
