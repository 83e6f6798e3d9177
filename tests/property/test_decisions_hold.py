from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from suffice.policy.config import EscalationConfig
from suffice.policy.decide import Floors, Situation, decide, effective_thresholds, withhold
from suffice.policy.escalate import UNANSWERED, next_tier
from suffice.vocabulary import Mode, Reason, TierName, Verdict, VerdictReason

complexities = st.floats(min_value=0.0, max_value=10.0)
NAMES = tuple(TierName(name) for name in ("nano", "small", "medium", "large", "huge"))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    tiers = NAMES[: draw(st.integers(min_value=1, max_value=len(NAMES)))]
    limits = sorted(draw(st.lists(complexities, min_size=len(tiers) - 1, max_size=len(tiers) - 1)))
    able = draw(st.sets(st.sampled_from(tiers), min_size=1))
    floors = st.none() | st.sampled_from(tiers)
    complexity = draw(complexities)
    return Situation(
        tiers=tiers,
        complexity=complexity,
        own_complexity=complexity * draw(st.floats(min_value=0.0, max_value=1.0)),
        thresholds=dict(zip(tiers, limits, strict=False)),
        skipped={tier: "lacks something" for tier in tiers if tier not in able},
        floors=Floors(min_tier=draw(floors), tool_loop=draw(floors), escalated=draw(floors)),
    )


def rank(situation: Situation, tier: TierName) -> int:
    return list(situation.tiers).index(tier)


def floor_rank(situation: Situation) -> int:
    floors = situation.floors
    named = [one for one in (floors.min_tier, floors.tool_loop, floors.escalated) if one is not None]
    return max((rank(situation, one) for one in named), default=0)


@given(situation=situations(), other=complexities)
def test_an_easier_request_never_gets_a_dearer_tier(situation: Situation, other: float) -> None:
    low, high = sorted((situation.complexity, other))

    easier = decide(replace(situation, complexity=low, own_complexity=low))
    harder = decide(replace(situation, complexity=high, own_complexity=low))

    assert rank(situation, easier.tier) <= rank(situation, harder.tier)


@given(situation=situations())
def test_no_decision_falls_on_a_tier_that_cannot_serve(situation: Situation) -> None:
    decision = decide(situation)

    assert decision.tier not in situation.skipped
    assert not set(decision.ladder) & set(situation.skipped)


@given(situation=situations())
def test_no_decision_is_below_a_floor_that_some_tier_can_keep(situation: Situation) -> None:
    highest_able = max(rank(situation, tier) for tier in situation.tiers if tier not in situation.skipped)

    decided = rank(situation, decide(situation).tier)

    assert decided >= min(floor_rank(situation), highest_able)


@given(situation=situations())
def test_the_ladder_rises_from_the_tier_through_every_able_one_above(situation: Situation) -> None:
    decision = decide(situation)

    start = rank(situation, decision.tier)
    assert decision.ladder == tuple(tier for tier in situation.tiers[start:] if tier not in situation.skipped)
    assert decision.ladder[0] == decision.tier


@given(situation=situations())
def test_the_tier_is_the_cheapest_that_breaks_no_rule(situation: Situation) -> None:
    able = [tier for tier in situation.tiers if tier not in situation.skipped]
    fitting = [
        tier
        for tier in able
        if rank(situation, tier) >= floor_rank(situation)
        and situation.complexity <= situation.thresholds.get(tier, 10.0)
    ]

    assert decide(situation).tier == (fitting[0] if fitting else able[-1])


@given(situation=situations())
def test_the_reason_fits_the_tier(situation: Situation) -> None:
    decision = decide(situation)

    floors = situation.floors
    floor_of = {
        Reason.MIN_TIER: floors.min_tier,
        Reason.TOOL_LOOP: floors.tool_loop,
        Reason.ESCALATED_BEFORE: floors.escalated,
    }
    limit = situation.thresholds.get(decision.tier, 10.0)
    if decision.reason in floor_of:
        assert floor_of[decision.reason] == decision.tier
    elif decision.reason is Reason.CAPABILITY:
        assert situation.skipped
    elif decision.reason is Reason.HARD:
        assert decision.tier == situation.tiers[-1]
    else:
        assert situation.complexity <= limit
        assert (decision.reason is Reason.INHERITED) <= (situation.own_complexity < situation.complexity)


@given(situation=situations(), mode=st.sampled_from(Mode), in_canary=st.booleans())
def test_no_mode_asks_a_cheaper_tier_than_routing_would(situation: Situation, mode: Mode, *, in_canary: bool) -> None:
    decision = decide(situation)

    tier, _, proposal = withhold(decision, mode, in_canary=in_canary)

    assert rank(situation, tier) >= rank(situation, decision.tier)
    assert tier in decision.ladder
    assert proposal is None or (proposal.tier, proposal.reason) == (decision.tier, decision.reason)


@given(situation=situations(), first=st.none() | complexities)
def test_effective_thresholds_never_fall_from_tier_to_tier(situation: Situation, first: float | None) -> None:
    effective = effective_thresholds(situation.thresholds, situation.tiers, first)

    limits = list(effective.values())
    assert list(effective) == list(situation.tiers[:-1])
    assert limits == sorted(limits)
    assert all(limit >= own for limit, own in zip(limits[1:], list(situation.thresholds.values())[1:], strict=True))
    if first is not None and limits:
        assert limits[0] == first


verdicts = st.sampled_from(VerdictReason).map(
    lambda reason: Verdict(accepted=reason in {VerdictReason.ACCEPTED, VerdictReason.TOP}, reason=reason)
)
configs = st.builds(EscalationConfig, enabled=st.booleans(), max_per_request=st.integers(min_value=0, max_value=10))


@given(
    situation=situations(), position=st.integers(min_value=0), n=st.integers(0, 12), verdict=verdicts, config=configs
)
def test_the_next_tier_is_the_one_above_in_the_ladder_or_none(
    situation: Situation, position: int, n: int, verdict: Verdict, config: EscalationConfig
) -> None:
    ladder = decide(situation).ladder
    at = position % len(ladder)

    following = next_tier(verdict, ladder[at], ladder, n, config)

    assert following is None or ladder.index(following) == at + 1
    if verdict.accepted:
        assert following is None
    elif verdict.reason in UNANSWERED:
        assert (following is None) == (at == len(ladder) - 1)


@given(situation=situations(), verdict=verdicts, config=configs)
def test_rejections_of_one_request_never_pass_their_ration(
    situation: Situation, verdict: Verdict, config: EscalationConfig
) -> None:
    ladder = decide(situation).ladder
    n_rejected, tier = 0, ladder[0]

    while (following := next_tier(verdict, tier, ladder, n_rejected, config)) is not None:
        n_rejected += verdict.reason not in UNANSWERED
        tier = following

    assert n_rejected <= (config.max_per_request if config.enabled else 0)
