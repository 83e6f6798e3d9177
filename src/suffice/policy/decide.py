"""Which tier is asked first: the order of design.md §9, in one place."""

from collections.abc import Mapping, Sequence

import msgspec

from suffice.vocabulary import Decision, Mode, Proposal, Reason, TierName


class Floors(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The lowest tier each rule allows; None: the rule says nothing."""

    min_tier: TierName | None = None
    """The client's `x-suffice-min-tier`."""
    tool_loop: TierName | None = None
    """The tier that the tool loop runs on."""
    escalated: TierName | None = None
    """Where this conversation, or this very prompt, was escalated to."""


NO_FLOORS = Floors()


class Situation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a decision is made from."""

    tiers: Sequence[TierName]
    """All tiers, cheapest first."""
    complexity: float
    """Of the conversation."""
    own_complexity: float
    """Of the last turn alone; never above `complexity`."""
    thresholds: Mapping[TierName, float]
    """Highest complexity of each tier but the top."""
    skipped: Mapping[TierName, str] = {}
    """Tiers that cannot serve the request; never all of them."""
    floors: Floors = NO_FLOORS
    p_ok: Mapping[TierName, float] = {}
    """Of the last turn; told with the decision, which does not depend on it."""
    explanation: Mapping[str, float] = {}
    """Likewise."""


def decide(situation: Situation) -> Decision:
    """Choose the cheapest eligible tier that takes the complexity and that no floor forbids; never raises.

    Where there is none, it is the highest eligible tier: a request is rather served below than not at all.
    """
    wanted = _sufficient(situation, situation.complexity)
    reason = _base_reason(situation, wanted)
    if situation.floors != NO_FLOORS:
        wanted, reason = _lifted(situation, wanted, reason)
    tiers = situation.tiers
    ladder = tuple(tiers[wanted:])
    if situation.skipped:
        eligible = [tier for tier in tiers if tier not in situation.skipped]
        ladder = tuple([tier for tier in ladder if tier in eligible]) or (eligible[-1],)
    if ladder[0] != tiers[wanted]:
        reason = Reason.CAPABILITY
    return Decision(
        tier=ladder[0],
        reason=reason,
        ladder=ladder,
        complexity=situation.complexity,
        own_complexity=situation.own_complexity,
        thresholds=situation.thresholds,
        p_ok=situation.p_ok,
        skipped=situation.skipped,
        explanation=situation.explanation,
    )


def bypass(tier: TierName) -> Decision:
    """The client named the tier: no routing, no escalation, no fallback to a model it did not name."""
    return Decision(tier=tier, reason=Reason.EXPLICIT, ladder=(tier,))


def withhold(decision: Decision, mode: Mode, *, in_canary: bool) -> tuple[TierName, Reason, Proposal | None]:
    """What the mode makes of a decision: itself, or the top tier with the decision as a proposal.

    Args:
        decision: What `route` would do.
        mode: The mode in force.
        in_canary: Whether the conversation was drawn for routing.

    Returns:
        Tier, reason and proposal, to put into the decision.
    """
    if decision.reason is Reason.EXPLICIT or mode is Mode.ROUTE or (mode is Mode.CANARY and in_canary):
        return decision.tier, decision.reason, None
    reason = Reason.CANARY if mode is Mode.CANARY else Reason.OBSERVE
    return decision.ladder[-1], reason, Proposal(tier=decision.tier, reason=decision.reason)


def effective_thresholds(
    thresholds: Mapping[TierName, float], tiers: Sequence[TierName], first: float | None
) -> dict[TierName, float]:
    """The thresholds with the first tier's replaced, still never falling from tier to tier."""
    highest = 0.0
    effective: dict[TierName, float] = {}
    for index, tier in enumerate(tiers[:-1]):
        own = first if index == 0 and first is not None else thresholds[tier]
        highest = max(highest, own)
        effective[tier] = highest
    return effective


def _sufficient(situation: Situation, complexity: float) -> int:
    """Index of the cheapest tier that takes this complexity, able or not."""
    for index, tier in enumerate(situation.tiers[:-1]):
        if complexity <= situation.thresholds[tier]:
            return index
    return len(situation.tiers) - 1


def _lifted(situation: Situation, wanted: int, reason: Reason) -> tuple[int, Reason]:
    """Index of the tier that the floors ask for, with the reason for it."""
    floors = situation.floors
    for floor, why in (
        (floors.min_tier, Reason.MIN_TIER),
        (floors.tool_loop, Reason.TOOL_LOOP),
        (floors.escalated, Reason.ESCALATED_BEFORE),
    ):
        index = situation.tiers.index(floor) if floor in situation.tiers else 0
        if index > wanted:
            wanted, reason = index, why
    return wanted, reason


def _base_reason(situation: Situation, wanted: int) -> Reason:
    if wanted > _sufficient(situation, situation.own_complexity):
        return Reason.INHERITED
    return Reason.SUFFICES if wanted < len(situation.tiers) - 1 or wanted == 0 else Reason.HARD
