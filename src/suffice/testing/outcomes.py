"""Outcomes as the pipeline makes them, for whatever consumes them."""

from suffice.vocabulary import (
    Attempt,
    CacheUse,
    Decision,
    Features,
    Outcome,
    Price,
    Reason,
    Role,
    Tier,
    TierName,
    Turn,
    Usage,
    Usd,
    Verdict,
    VerdictReason,
)

SMALL = TierName("small")
LARGE = TierName("large")
TIERS = (
    Tier(name=SMALL, model="llama-8b", price=Price(input=0.1, output=0.1)),
    Tier(name=LARGE, model="llama-70b", price=Price(input=0.9, output=0.9)),
)

_MODELS = {tier.name: tier.model for tier in TIERS}
_USAGE = Usage(prompt_tokens=800, cached_tokens=512, completion_tokens=200)


def make_attempt(tier: TierName = SMALL, *, role: Role = Role.SERVE) -> Attempt:
    """An answered call of 1,000 tokens."""
    return Attempt(
        tier=tier,
        model=_MODELS[tier],
        role=role,
        replica=f"http://{tier}-0:8000/v1",
        started_s=0.002,
        first_token_s=0.052,
        duration_s=0.4,
        status=200,
        finish_reason="stop",
        usage=_USAGE,
        cost_usd=Usd(0.0001 if tier == SMALL else 0.0009),
        verdict=Verdict(accepted=True, reason=VerdictReason.ACCEPTED if tier == SMALL else VerdictReason.TOP),
    )


def make_draft() -> Attempt:
    """A small tier's answer that was rejected."""
    draft = make_attempt(SMALL, role=Role.DRAFT)
    draft.verdict = Verdict(accepted=False, reason=VerdictReason.EMPTY, confidence=0.25, signals={"n_chars": 0.0})
    return draft


def make_decision(tier: TierName = SMALL, reason: Reason = Reason.SUFFICES) -> Decision:
    """A decision by complexity."""
    return Decision(
        tier=tier,
        reason=reason,
        ladder=(SMALL, LARGE) if tier == SMALL else (LARGE,),
        complexity=3.5,
        own_complexity=2.5,
        thresholds={SMALL: 4.0},
    )


def make_outcome(n: int = 0, *, tier: TierName = SMALL, escalated: bool = False, session: str | None = None) -> Outcome:
    """A request that was routed and answered.

    Args:
        n: Makes its id, and its time: one a second.
        tier: The first tier asked.
        escalated: The small tier's answer was rejected; the large one served.
        session: The conversation.
    """
    attempts = [make_draft(), make_attempt(LARGE)] if escalated else [make_attempt(tier)]
    return Outcome(
        request_id=f"req-{n:08d}",
        received_at=1_795_000_000.0 + n,
        endpoint="/v1/chat/completions",
        model_asked="auto",
        key_id="team-a",
        session=session,
        scorer="exemplars-1",
        config_hash="0123456789abcdef",
        decision=make_decision(tier),
        features=Features(turns=(Turn(text="why?", n_tokens=2),), n_prompt_tokens=820, n_messages=1),
        attempts=attempts,
        cache=CacheUse.MISS,
        routing_s=0.0008,
        status=200,
        first_byte_s=0.06,
        duration_s=0.42,
        always_large_usd=Usd(0.0009),
    )
