from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from suffice.policy.decide import Floors, Situation, bypass, decide, effective_thresholds, withhold
from suffice.vocabulary import Decision, Mode, Proposal, Reason, TierName

SMALL, MEDIUM, LARGE = TierName("small"), TierName("medium"), TierName("large")
TIERS = (SMALL, MEDIUM, LARGE)
THRESHOLDS: Mapping[TierName, float] = {SMALL: 4.0, MEDIUM: 7.0}


def situation(complexity: float = 1.0, own: float | None = None, **fields: object) -> Situation:
    own_complexity = complexity if own is None else own
    made = Situation(tiers=TIERS, complexity=complexity, own_complexity=own_complexity, thresholds=THRESHOLDS)
    return replace(made, **fields)


@pytest.mark.parametrize(
    ("complexity", "tier", "reason"),
    [
        (0.0, SMALL, Reason.SUFFICES),
        (4.0, SMALL, Reason.SUFFICES),
        (4.001, MEDIUM, Reason.SUFFICES),
        (7.0, MEDIUM, Reason.SUFFICES),
        (7.001, LARGE, Reason.HARD),
        (10.0, LARGE, Reason.HARD),
    ],
)
def test_the_cheapest_tier_that_takes_the_complexity_is_asked(
    complexity: float, tier: TierName, reason: Reason
) -> None:
    decision = decide(situation(complexity))

    assert (decision.tier, decision.reason) == (tier, reason)


def test_a_decision_tells_what_it_was_made_from() -> None:
    decision = decide(situation(5.0, 3.0, skipped={LARGE: "no images"}))

    assert (decision.complexity, decision.own_complexity) == (5.0, 3.0)
    assert decision.thresholds == THRESHOLDS
    assert decision.skipped == {LARGE: "no images"}
    assert decision.ladder == (MEDIUM,)


@pytest.mark.parametrize(
    ("complexity", "own", "reason"),
    [(5.0, 3.0, Reason.INHERITED), (5.0, 4.5, Reason.SUFFICES), (9.0, 5.0, Reason.INHERITED), (9.0, 8.0, Reason.HARD)],
)
def test_an_earlier_turn_is_the_reason_only_where_it_changes_the_tier(
    complexity: float, own: float, reason: Reason
) -> None:
    assert decide(situation(complexity, own)).reason is reason


@pytest.mark.parametrize(
    ("floors", "tier", "reason"),
    [
        (Floors(min_tier=MEDIUM), MEDIUM, Reason.MIN_TIER),
        (Floors(tool_loop=LARGE), LARGE, Reason.TOOL_LOOP),
        (Floors(escalated=MEDIUM), MEDIUM, Reason.ESCALATED_BEFORE),
        (Floors(min_tier=MEDIUM, tool_loop=LARGE), LARGE, Reason.TOOL_LOOP),
        (Floors(min_tier=LARGE, tool_loop=MEDIUM, escalated=LARGE), LARGE, Reason.MIN_TIER),
        (Floors(min_tier=SMALL), SMALL, Reason.SUFFICES),
        (Floors(min_tier=TierName("gone")), SMALL, Reason.SUFFICES),
    ],
)
def test_the_highest_floor_wins_and_the_first_of_equals_is_the_reason(
    floors: Floors, tier: TierName, reason: Reason
) -> None:
    decision = decide(situation(floors=floors))

    assert (decision.tier, decision.reason) == (tier, reason)


def test_a_floor_below_what_the_complexity_needs_changes_nothing() -> None:
    decision = decide(situation(9.0, floors=Floors(min_tier=MEDIUM)))

    assert (decision.tier, decision.reason) == (LARGE, Reason.HARD)


@pytest.mark.parametrize(
    ("complexity", "skipped", "tier", "ladder"),
    [
        (1.0, {SMALL: "no tools"}, MEDIUM, (MEDIUM, LARGE)),
        (1.0, {SMALL: "no tools", MEDIUM: "no tools"}, LARGE, (LARGE,)),
        (9.0, {LARGE: "no tools"}, MEDIUM, (MEDIUM,)),
        (9.0, {LARGE: "no tools", MEDIUM: "no tools"}, SMALL, (SMALL,)),
    ],
)
def test_a_tier_that_cannot_serve_is_the_reason_for_the_one_asked_in_its_place(
    complexity: float, skipped: dict[TierName, str], tier: TierName, ladder: tuple[TierName, ...]
) -> None:
    decision = decide(situation(complexity, skipped=skipped))

    assert (decision.tier, decision.reason, decision.ladder) == (tier, Reason.CAPABILITY, ladder)


def test_a_tier_skipped_in_the_middle_is_left_out_of_the_ladder() -> None:
    decision = decide(situation(skipped={MEDIUM: "no tools"}))

    assert (decision.tier, decision.reason, decision.ladder) == (SMALL, Reason.SUFFICES, (SMALL, LARGE))


def test_a_single_tier_suffices_for_everything() -> None:
    decision = decide(Situation(tiers=(SMALL,), complexity=10.0, own_complexity=10.0, thresholds={}))

    assert (decision.tier, decision.reason, decision.ladder) == (SMALL, Reason.SUFFICES, (SMALL,))


def test_a_named_tier_is_the_whole_ladder() -> None:
    assert bypass(MEDIUM) == Decision(tier=MEDIUM, reason=Reason.EXPLICIT, ladder=(MEDIUM,))


@pytest.mark.parametrize(
    ("mode", "in_canary", "tier", "reason", "proposal"),
    [
        (Mode.ROUTE, False, SMALL, Reason.SUFFICES, None),
        (Mode.CANARY, True, SMALL, Reason.SUFFICES, None),
        (Mode.CANARY, False, LARGE, Reason.CANARY, Proposal(tier=SMALL, reason=Reason.SUFFICES)),
        (Mode.OBSERVE, True, LARGE, Reason.OBSERVE, Proposal(tier=SMALL, reason=Reason.SUFFICES)),
    ],
)
def test_a_mode_that_does_not_route_asks_the_top_tier_and_keeps_the_proposal(
    mode: Mode, *, in_canary: bool, tier: TierName, reason: Reason, proposal: Proposal | None
) -> None:
    decision = decide(situation())

    assert withhold(decision, mode, in_canary=in_canary) == (tier, reason, proposal)


def test_observing_asks_the_highest_tier_that_can_serve() -> None:
    decision = decide(situation(skipped={LARGE: "no tools"}))

    assert withhold(decision, Mode.OBSERVE, in_canary=False)[0] == MEDIUM


def test_no_mode_takes_a_named_tier_away() -> None:
    assert withhold(bypass(SMALL), Mode.OBSERVE, in_canary=False) == (SMALL, Reason.EXPLICIT, None)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (None, {SMALL: 4.0, MEDIUM: 7.0}),
        (2.0, {SMALL: 2.0, MEDIUM: 7.0}),
        (0.0, {SMALL: 0.0, MEDIUM: 7.0}),
        (9.0, {SMALL: 9.0, MEDIUM: 9.0}),
    ],
)
def test_a_clients_threshold_lifts_those_above_where_it_passes_them(
    first: float | None, expected: dict[TierName, float]
) -> None:
    assert effective_thresholds(THRESHOLDS, TIERS, first) == expected
