import pytest

from suffice.policy.inherit import aged_count, carried_weight, holds, inherited_complexity, repeats_enough


@pytest.mark.parametrize(
    ("complexities", "expected"),
    [([3.0], 3.0), ([1.0, 5.0], 4.0), ([1.0, 0.0, 5.0], 3.2), ([4.5, 5.0], 4.5), ([0.0, 0.0], 0.0)],
)
def test_a_turn_inherits_the_hardest_of_the_past_decayed(complexities: list[float], expected: float) -> None:
    assert inherited_complexity(complexities, 0.8) == pytest.approx(expected)


@pytest.mark.parametrize(("decay", "expected"), [(0.0, 1.0), (1.0, 9.0)])
def test_a_past_may_count_for_nothing_or_for_ever(decay: float, expected: float) -> None:
    assert inherited_complexity([1.0, 2.0, 9.0], decay) == expected


@pytest.mark.parametrize(
    ("weight", "new_turn", "escalated", "expected"),
    [
        (0.0, True, False, 0.0),
        (0.0, True, True, 1.0),
        (1.0, True, False, 0.8),
        (1.0, False, False, 1.0),
        (1.0, True, True, 1.8),
        (1.0, False, True, 2.0),
    ],
)
def test_escalations_age_with_turns_and_not_with_steps_of_a_tool_loop(
    weight: float, *, new_turn: bool, escalated: bool, expected: float
) -> None:
    carried = carried_weight(weight, new_turn=new_turn, escalated=escalated, decay=0.8)

    assert carried == pytest.approx(expected)


def test_one_escalation_holds_for_three_turns() -> None:
    weights = [0.8**age for age in range(6)]

    assert [holds(weight) for weight in weights] == [True, True, True, True, False, False]


@pytest.mark.parametrize(
    ("elapsed_s", "expected"), [(0.0, 2.0), (60.0, 1.0), (120.0, 0.5), (30.0, 2.0 * 0.5**0.5), (-5.0, 2.0)]
)
def test_a_count_halves_with_each_half_life(elapsed_s: float, expected: float) -> None:
    assert aged_count(2.0, elapsed_s, 60.0) == pytest.approx(expected)


@pytest.mark.parametrize(("count", "enough"), [(2.0, True), (1.5, True), (1.49, False), (0.0, False)])
def test_half_an_escalation_may_have_faded(count: float, *, enough: bool) -> None:
    assert repeats_enough(count, 2.0) is enough
