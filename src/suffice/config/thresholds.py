"""Checks of `max_complexity`, in `routing` and in each profile: every tier must be reachable."""

from collections.abc import Mapping, Sequence

from suffice.config.document import Path
from suffice.config.expectations import suggest
from suffice.config.findings import Findings
from suffice.config.sections import DEFAULT_FIRST_THRESHOLD, Config
from suffice.vocabulary import MAX_COMPLEXITY


def check_thresholds(config: Config, findings: Findings) -> None:
    """Check the thresholds that hold without a profile, then those of each profile that changes any."""
    tiers = list(dict.fromkeys(tier.name for tier in config.tiers))
    if not tiers or not all(tiers):
        return  # which names are known cannot be told
    place: Path = ("routing", "max_complexity")
    base = config.routing.max_complexity
    _check_names(base, tiers, place, findings)
    # With a learned scorer the first tier's may come from the bundle, which is read later.
    first = None if config.scorer.kind == "learned" else DEFAULT_FIRST_THRESHOLD
    _check_ladder(base, None, first, tiers, place, findings)
    for name, profile in config.profiles.items():
        place = ("profiles", name, "max_complexity")
        _check_names(profile.max_complexity, tiers, place, findings)
        if profile.max_complexity:
            _check_ladder(profile.max_complexity, base, first, tiers, place, findings)


def _check_names(given: Mapping[str, float], tiers: Sequence[str], place: Path, findings: Findings) -> None:
    for name in given:
        if name not in tiers:
            findings.add_broken((*place, name), f"names no tier{suggest(name, tiers[:-1])}")
        elif name == tiers[-1]:
            findings.add_broken((*place, name), "is the top tier, which takes all that is left; leave this line out")


def _check_ladder(
    given: Mapping[str, float],
    inherited: Mapping[str, float] | None,
    first: float | None,
    tiers: Sequence[str],
    place: Path,
    findings: Findings,
) -> None:
    """Thresholds must be there, rise, and leave something to the tier above.

    Args:
        given: What this place says.
        inherited: For a profile, what holds without it; None for `routing` itself.
        first: The first tier's, where none is written; None: not known yet.
        tiers: All of them, cheapest first.
        place: Where `given` stands.
        findings: Takes what is found.
    """
    below: float | None = None
    lower = tiers[:-1]
    for index, name in enumerate(lower):
        path = (*place, name)
        limit = given.get(name, (inherited or {}).get(name, first if index == 0 else None))
        if limit is None:
            if inherited is None and index > 0:
                findings.add(
                    path, f"is missing; give the highest complexity that {name!r} takes, above the tier before"
                )
            continue
        if below is not None and limit <= below:
            findings.add(
                path,
                f"{limit:g} is not above the {below:g} of {lower[index - 1]!r}: no complexity leads to {name!r}; "
                "thresholds rise from tier to tier",
            )
        elif limit >= MAX_COMPLEXITY and index + 1 < len(tiers):
            findings.add(
                path,
                f"{limit:g} takes every request: {tiers[index + 1]!r} and above are out of reach; choose less than 10",
            )
        below = limit
