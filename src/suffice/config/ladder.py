"""Checks of the tiers: names, models, prices and contexts."""

from itertools import pairwise

from suffice.config.expectations import suggest
from suffice.config.findings import Findings
from suffice.config.sections import Config
from suffice.policy.selection import AUTO
from suffice.upstream.config import TierConfig
from suffice.upstream.tape import MODELS


def check_tiers(config: Config, findings: Findings) -> None:
    """Check the ladder as a whole, then each rung."""
    if not config.tiers:
        findings.add(("tiers",), "holds no tier; give one or more, cheapest first, as `suffice init` writes them")
    if len(config.tiers) == 1:
        findings.warn(("tiers",), "holds one tier only: there is nothing to choose; add a larger model after it")
    for index, tier in enumerate(config.tiers):
        _check_names(config, index, tier, findings)
        _check_origin(index, tier, findings)
    for index, (lower, upper) in enumerate(pairwise(config.tiers), start=1):
        _compare_prices(index, lower, upper, findings)
        _compare_contexts(index, lower, upper, findings)
    if config.tiers and not any(tier.price.input or tier.price.output for tier in config.tiers):
        findings.warn(("tiers",), "hold no price: every cost and saving will read 0; give price.input and price.output")


def is_automatic(name: str) -> bool:
    """Whether a model of this name asks for routing."""
    return name == AUTO or name.startswith((f"{AUTO}:", f"{AUTO}@"))


def _check_names(config: Config, index: int, tier: TierConfig, findings: Findings) -> None:
    place = ("tiers", index)
    for key, name in (("name", tier.name), ("model", tier.model)):
        if is_automatic(name):
            findings.add((*place, key), f"is what clients write to be routed; give another {key}")
        if not name.strip():
            findings.add((*place, key), f"is empty; give {_MEANING[key]}")
    for other, earlier in enumerate(config.tiers[:index]):
        where = f"tiers[{other}]"
        if tier.name and tier.name in (earlier.name, earlier.model):
            findings.add((*place, "name"), f"also names {where}; give each tier a name of its own")
        if tier.model and tier.model in (earlier.name, earlier.model):
            findings.add(
                (*place, "model"),
                f"also names {where}, so a client that names it cannot tell them apart; "
                "put servers of one model into one tier's base_urls, or serve it under another name",
            )


_MEANING = {"name": "what the tier is called, such as 'small'", "model": "the name its servers know the model by"}


def _check_origin(index: int, tier: TierConfig, findings: Findings) -> None:
    place = ("tiers", index)
    if tier.tape is None:
        if not tier.base_urls:
            findings.add(
                (*place, "base_urls"), "is missing or empty; give one or more servers such as http://127.0.0.1:8000/v1"
            )
        return
    if tier.base_urls:
        findings.add((*place, "tape"), "stands beside base_urls; keep the one that shall answer")
    if tier.slots is not None:
        findings.warn((*place, "slots"), "does nothing beside a tape; give tape.slots")
    if tier.tape.model not in MODELS:
        findings.add((*place, "tape", "model"), f"was not recorded{suggest(tier.tape.model, MODELS)}")


def _compare_prices(index: int, lower: TierConfig, upper: TierConfig, findings: Findings) -> None:
    place = ("tiers", index, "price")
    for key, below, above in (
        ("input", lower.price.input, upper.price.input),
        ("output", lower.price.output, upper.price.output),
    ):
        if above < below:
            findings.warn(
                (*place, key),
                f"is {above:g} USD, less than the {below:g} of {lower.name!r} below it; "
                "tiers stand cheapest first, so order them or mend the price",
            )
    cached = upper.price.cached_input
    if cached is not None and cached > upper.price.input:
        findings.warn(
            (*place, "cached_input"), f"is more than the {upper.price.input:g} of other input; mend one of them"
        )


def _compare_contexts(index: int, lower: TierConfig, upper: TierConfig, findings: Findings) -> None:
    below, above = lower.context_tokens, upper.context_tokens
    if below is not None and above is not None and above < below:
        findings.warn(
            ("tiers", index, "context_tokens"),
            f"is smaller than the {below} of {lower.name!r} below it: long requests cannot go up",
        )
