"""Which tiers can serve a request at all."""

from collections.abc import Sequence

from suffice.vocabulary import Capabilities, Features, Tier, TierName

ESTIMATE_MARGIN = 0.9
"""A tier is skipped only where the estimated prompt is over its context even if the estimate is 10 % too high; a prompt
that turns out too long all the same is refused by the upstream, and then moves up."""


def missing_capabilities(features: Features, tiers: Sequence[Tier]) -> dict[TierName, str]:
    """The tiers that cannot serve the request, and what they lack."""
    missing: dict[TierName, str] = {}
    for tier in tiers:
        lack = _lack(features, tier.capabilities)
        if lack is not None:
            missing[tier.name] = lack
    return missing


def _lack(features: Features, has: Capabilities) -> str | None:
    if has.context_tokens is not None:
        # The answer's limit is exact, the prompt's length is an estimate.
        needed = int(features.n_prompt_tokens * ESTIMATE_MARGIN) + (features.n_answer_tokens or 1)
        if needed > has.context_tokens:
            return f"context of {has.context_tokens} tokens is too small for about {needed}"
    if features.n_images > 0 and not has.images:
        return "does not support images"
    if features.has_tools and not has.tools:
        return "does not support tools"
    return "does not support JSON schema" if features.wants_json_schema and not has.json_schema else None
