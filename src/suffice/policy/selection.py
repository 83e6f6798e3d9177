"""What a request's `model` asks for: routing, a tier, or nothing we know."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from suffice.errors import RequestError, UnknownModelError
from suffice.policy.config import AliasConfig
from suffice.vocabulary import MAX_COMPLEXITY, Tier, TierName

AUTO = "auto"
DEFAULT_CHEAP, DEFAULT_QUALITY = 6.0, 2.0
NAMED_THRESHOLDS: Mapping[str, float | None] = {"cheap": DEFAULT_CHEAP, "balanced": None, "quality": DEFAULT_QUALITY}
"""Of the first tier, for `auto:NAME`, where no bundle has calibrated its own; None: the one in force."""


def named_thresholds(calibrated: Mapping[str, float]) -> Mapping[str, float | None]:
    """What `auto:NAME` means with a bundle.

    Args:
        calibrated: The bundle's thresholds by name, quality <= balanced <= cheap; any of them may be missing.

    Returns:
        By name, in the same order of size; `balanced` stays the one in force, which a file may have replaced.
    """
    stated = calibrated.values()
    return {
        "cheap": calibrated.get("cheap", max([DEFAULT_CHEAP, *stated])),
        "balanced": None,
        "quality": calibrated.get("quality", min([DEFAULT_QUALITY, *stated])),
    }


class Selection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the client asked for."""

    tier: TierName | None = None
    """Named by the client: routing is bypassed."""
    model: str | None = None
    """Sent to that tier in place of its model, such as a LoRA adapter."""
    first_threshold: float | None = None
    """Highest complexity for the first tier, for this request."""
    profile: str | None = None


_AUTOMATIC = Selection()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The names a client may put into `model`."""

    tiers: Sequence[Tier]
    aliases: Mapping[str, AliasConfig] = field(default_factory=dict[str, AliasConfig])
    named: Mapping[str, float | None] = field(default_factory=lambda: NAMED_THRESHOLDS)
    """Threshold of the first tier by the name after `auto:`; None: the one in force."""

    @property
    def names(self) -> list[str]:
        """Every fixed name, `auto` first; `auto@X` is understood besides."""
        automatic = [AUTO, *(f"{AUTO}:{name}" for name in self.named)]
        tiers = [name for tier in self.tiers for name in dict.fromkeys((tier.name, tier.model))]
        return list(dict.fromkeys([*automatic, *tiers, *self.aliases]))

    def select(self, model: str) -> Selection:
        """Read a `model`.

        Raises:
            UnknownModelError: It is none of our names.
            RequestError: `auto@X` with an X that is no complexity.
        """
        if model == AUTO:
            return _AUTOMATIC
        if alias := self.aliases.get(model):
            tier = TierName(alias.tier) if alias.tier is not None else None
            return Selection(tier=tier, model=alias.model, profile=alias.profile)
        for tier in self.tiers:
            if model in (tier.name, tier.model):
                return Selection(tier=tier.name)
        if model.startswith(f"{AUTO}@"):
            return Selection(first_threshold=_read_threshold(model))
        name = model.removeprefix(f"{AUTO}:")
        if name != model and name in self.named:
            return Selection(first_threshold=self.named[name])
        raise UnknownModelError(model[:200], [*self.names, f"{AUTO}@X"])

    def tier_named(self, name: str, *, param: str) -> TierName:
        """The tier a header names.

        Raises:
            RequestError: There is no such tier.
        """
        for tier in self.tiers:
            if tier.name == name:
                return tier.name
        known = ", ".join(tier.name for tier in self.tiers)
        raise RequestError(f"{param}: {name[:200]!r} is no tier; use one of {known}", param=param)


def _read_threshold(model: str) -> float:
    text = model.partition("@")[2]
    try:
        threshold = float(text)
    except ValueError:
        threshold = math.nan
    if not 0.0 <= threshold <= MAX_COMPLEXITY:
        raise RequestError(
            f"model {model[:200]!r}: after '@' stands a complexity from 0 to 10, such as auto@4.0", param="model"
        )
    return threshold
