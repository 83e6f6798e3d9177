"""Whether another tier is asked after an answer."""

from collections.abc import Sequence

from suffice.policy.config import EscalationConfig
from suffice.vocabulary import TierName, Verdict, VerdictReason

UNANSWERED = frozenset({VerdictReason.FAILED, VerdictReason.CONTEXT})
"""There is no answer to fall back on: these go up whatever the configuration says of escalation."""


def next_tier(
    verdict: Verdict, tier: TierName, ladder: Sequence[TierName], n_escalated: int, config: EscalationConfig
) -> TierName | None:
    """The tier to ask next, always one above; None: what there is goes to the client.

    Args:
        verdict: On the last attempt.
        tier: Of the last attempt.
        ladder: Tiers that may be asked, cheapest first, with `tier` among them.
        n_escalated: Answers rejected so far for this request, failures not counted.
        config: The `escalation` section.
    """
    above = ladder[ladder.index(tier) + 1 :]
    if verdict.accepted or not above:
        return None
    if verdict.reason in UNANSWERED:
        return above[0]
    return above[0] if config.enabled and n_escalated < config.max_per_request else None
