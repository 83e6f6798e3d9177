"""How the thresholds would split a reference set: is any of them so low or so high that it decides nothing?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suffice.config import Config, Yardstick
from suffice.errors import Mistake
from suffice.scoring import REFERENCE_TURNS, Scorer

MIN_SHARE = 0.05
MAX_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where the reference set would go."""

    profile: str | None
    """None: without a profile."""
    thresholds: Mapping[str, float]
    shares: Mapping[str, float]
    """Share of the reference set by tier, cheapest first; they add up to 1."""


def score_reference(scorer: Scorer) -> Sequence[float]:
    """The complexity of every turn of the reference set."""
    return [scorer.score(turn).complexity for turn in REFERENCE_TURNS]


def split_all(config: Config, yardstick: Yardstick, complexities: Sequence[float]) -> list[Split]:
    """The split without a profile, and that of each profile with thresholds of its own."""
    profiles = [name for name, profile in config.profiles.items() if profile.max_complexity]
    tiers = [tier.name for tier in config.tiers]
    return [split(tiers, name, yardstick.thresholds[name], complexities) for name in (None, *profiles)]


def split(
    tiers: Sequence[str], profile: str | None, thresholds: Mapping[str, float], complexities: Sequence[float]
) -> Split:
    """Send each complexity to the first tier whose threshold is not below it."""
    positions = np.searchsorted(np.array(list(thresholds.values())), np.array(complexities), side="left")
    counts = np.bincount(positions, minlength=len(tiers))
    shares = {name: float(count) / len(complexities) for name, count in zip(tiers, counts, strict=True)}
    return Split(profile=profile, thresholds=thresholds, shares=shares)


def warn_of_splits(splits: Sequence[Split], complexities: Sequence[float]) -> list[Mistake]:
    """Say which thresholds leave a tier with almost nothing, or give it almost everything."""
    low, high = np.quantile(np.array(complexities), [MIN_SHARE, MAX_SHARE])
    return [warning for one in splits for warning in _warn_of_split(one, float(low), float(high), len(complexities))]


def _warn_of_split(one: Split, low: float, high: float, n: int) -> list[Mistake]:
    place = "routing.max_complexity" if one.profile is None else f"profiles.{one.profile}.max_complexity"
    lower = list(one.thresholds)
    warnings: list[Mistake] = []
    for index, (tier, share) in enumerate(one.shares.items()):
        if not lower or MIN_SHARE <= share <= MAX_SHARE:
            continue
        # With two tiers the second's share is the rest of the first's: one threshold, one warning.
        if len(one.shares) == 2 and index == 1:
            continue
        limit = lower[min(index, len(lower) - 1)]
        remedy = (
            f"sends {share:.1%} of the {n} reference prompts to {tier!r}: it decides little; "
            f"nine in ten of them lie between {low:.2f} and {high:.2f} for this scorer"
        )
        warnings.append(Mistake(f"{place}.{limit}", one.thresholds[limit], remedy))
    return warnings
