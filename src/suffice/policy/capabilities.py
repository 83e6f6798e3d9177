"""Which tiers can serve a request at all."""

from collections.abc import Mapping, Sequence

from suffice.vocabulary import Features, Tier, TierName

ESTIMATE_MARGIN = 0.9
"""A tier is skipped only where the estimated prompt is over its context even if the estimate is 10 % too high; a prompt
that turns out too long all the same is refused by the upstream, and then moves up."""


def missing_capabilities(features: Features, tiers: Sequence[Tier]) -> dict[TierName, str]:
    """The tiers that cannot serve the request, and what they lack."""
    lacks = {tier.name: _lack(features, tier) for tier in tiers}
    return {name: lack for name, lack in lacks.items() if lack is not None}


def _lack(features: Features, tier: Tier) -> str | None:
    has = tier.capabilities
    if has.context_tokens is not None:
        # The answer's limit is exact, the prompt's length is an estimate.
        needed = int(features.n_prompt_tokens * ESTIMATE_MARGIN) + (features.n_answer_tokens or 1)
        if needed > has.context_tokens:
            return f"context of {has.context_tokens} tokens is too small for about {needed}"
    wants: Mapping[str, tuple[bool, bool]] = {
        "images": (features.n_images > 0, has.images),
        "tools": (features.has_tools, has.tools),
        "JSON schema": (features.wants_json_schema, has.json_schema),
    }
    return next((f"does not support {name}" for name, (wanted, held) in wants.items() if wanted and not held), None)
