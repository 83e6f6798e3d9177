"""What a configuration and its bundle make together: a scorer, and how far each tier goes on its scale."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from suffice.config.expectations import suggest
from suffice.config.loading import Loaded
from suffice.config.sections import DEFAULT_FIRST_THRESHOLD, Config, resolved_thresholds
from suffice.errors import BundleError, ConfigError, Mistake
from suffice.policy.selection import named_thresholds
from suffice.scoring import Learned, Scorer, build, bundle_path
from suffice.vocabulary import Mode, TierName

_BALANCED = "balanced"
"""The threshold of a bundle that holds where neither the file nor a request names one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """A scorer with the thresholds on its scale; replaced as a whole, since one means nothing without the other."""

    scorer: Scorer
    thresholds: Mapping[str | None, Mapping[str, float]]
    """Highest complexity of each tier but the top, by profile; None: without one."""
    named: Mapping[str, float | None]
    """Of the first tier, by the name after `auto:`."""
    warnings: tuple[Mistake, ...] = ()

    @property
    def learned(self) -> Learned | None:
        """The scorer, if it has a bundle."""
        return self.scorer if isinstance(self.scorer, Learned) else None


def build_yardstick(loaded: Loaded) -> Yardstick:
    """Build the scorer, reading its bundle, and find the thresholds that go with it; takes up to a second.

    Args:
        loaded: A configuration without mistakes.

    Raises:
        ConfigError: The scorer cannot be built, or its bundle does not go with the rest of the file: all mistakes.
    """
    config = loaded.config
    models = {TierName(tier.name): config.scorer.models.get(tier.name, tier.model) for tier in config.tiers}
    try:
        scorer = build(config.scorer, folder=loaded.folder, models=models)
    except BundleError as error:
        path = "scorer.kind" if config.scorer.bundle is None else "scorer.bundle"
        stated = config.scorer.kind if config.scorer.bundle is None else config.scorer.bundle
        raise ConfigError([Mistake(path, stated, str(error))]) from error
    calibrated: Mapping[str, float] = scorer.manifest.thresholds if isinstance(scorer, Learned) else {}
    first = calibrated.get(_BALANCED, DEFAULT_FIRST_THRESHOLD)
    thresholds = {name: resolved_thresholds(config, name, first=first) for name in (None, *config.profiles)}
    warnings: list[Mistake] = []
    if isinstance(scorer, Learned):
        mistakes = [
            *_find_order(config, thresholds),
            *_find_models(config, scorer, models),
            *_find_routing(config, scorer),
        ]
        if mistakes:
            raise ConfigError(mistakes)
        warnings = [*_warn_of_models(config, scorer), *_warn_of_thresholds(config, scorer)]
    return Yardstick(scorer=scorer, thresholds=thresholds, named=named_thresholds(calibrated), warnings=tuple(warnings))


def watched_bundle(loaded: Loaded) -> Path | None:
    """The file that a running gateway looks after; None: its scorer has none."""
    scorer = loaded.config.scorer
    return bundle_path(scorer, loaded.folder) if scorer.kind == "learned" else None


def _find_order(config: Config, thresholds: Mapping[str | None, Mapping[str, float]]) -> Iterator[Mistake]:
    """What the file could not be told of by itself: its thresholds above one that it does not name."""
    for profile, limits in thresholds.items():
        if profile is not None and not config.profiles[profile].max_complexity:
            continue
        place = "routing" if profile is None else f"profiles.{profile}"
        for (lower, below), (upper, limit) in pairwise(limits.items()):
            if limit <= below:
                remedy = (
                    f"is not above the {below:g} that holds for {lower!r} with this bundle: no complexity leads to "
                    f"{upper!r}; raise it, or write a threshold for {lower!r}"
                )
                yield Mistake(f"{place}.max_complexity.{upper}", limit, remedy)


def _find_models(config: Config, scorer: Learned, models: Mapping[TierName, str]) -> Iterator[Mistake]:
    known = scorer.manifest.models
    for tier, model in config.scorer.models.items():
        if model not in known:
            yield Mistake(
                f"scorer.models.{tier}", model, f"is no model of bundle {scorer.bundle_id}{suggest(model, known)}"
            )
    order = [known.index(model) for model in models.values() if model in known]
    if order != sorted(order):
        remedy = (
            f"was trained for {', '.join(known)}, cheapest first, and the tiers stand in another order: complexity "
            "would rise the wrong way; order the tiers like the bundle's models, or train it again"
        )
        yield Mistake("scorer.bundle", scorer.bundle_id, remedy)


def _find_routing(config: Config, scorer: Learned) -> Iterator[Mistake]:
    """Where the file routes by a bundle that is for observing."""
    reason = observe_only(config, scorer)
    if not reason:
        return
    places = {"routing.mode": config.routing.mode} | {
        f"profiles.{name}.mode": profile.mode for name, profile in config.profiles.items() if profile.mode is not None
    }
    for path, mode in places.items():
        if mode is not Mode.OBSERVE:
            yield Mistake(path, mode.value, reason)


def observe_only(config: Config, scorer: Learned) -> str:
    """Why nothing may be routed by the scorer's bundle, and the ways out; empty: it may."""
    if not scorer.manifest.generic or config.routing.accept_generic_bundle:
        return ""
    return (
        f"bundle {scorer.bundle_id} is generic, trained on public outcomes and not on yours, so it is for `observe`; "
        "name a bundle of your own in scorer.bundle, or say `accept_generic_bundle: true` under `routing`"
    )


def _warn_of_models(config: Config, scorer: Learned) -> Iterator[Mistake]:
    unknown = [repr(tier.name) for tier in config.tiers if tier.name not in scorer.tiers.values()]
    if scorer.manifest.generic or not unknown:
        return
    remedy = (
        f"was trained for {', '.join(scorer.manifest.models)}, not for the model of {', '.join(unknown)}; say in "
        "scorer.models which is which, or train it on these tiers"
    )
    yield Mistake("scorer.bundle", scorer.bundle_id, remedy)


def _warn_of_thresholds(config: Config, scorer: Learned) -> Iterator[Mistake]:
    balanced = scorer.manifest.thresholds.get(_BALANCED)
    if balanced is None or len(config.tiers) < 2:
        return
    first = config.tiers[0].name
    written = {"routing": config.routing.max_complexity} | {
        f"profiles.{name}": profile.max_complexity for name, profile in config.profiles.items()
    }
    for place, limits in written.items():
        if first in limits:
            remedy = (
                f"wins over the {balanced:g} that bundle {scorer.bundle_id} was calibrated to; leave the line out to "
                "go by the bundle"
            )
            yield Mistake(f"{place}.max_complexity.{first}", limits[first], remedy)
