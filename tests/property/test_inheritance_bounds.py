import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.policy.inherit import (
    HOLDS,
    aged_count,
    can_lift,
    carried_weight,
    holds,
    inherited_complexity,
    repeats_enough,
)

turns = st.lists(st.floats(min_value=0.0, max_value=10.0), min_size=1, max_size=20)
shares = st.floats(min_value=0.0, max_value=1.0)
counts = st.floats(min_value=0.0, max_value=1_000.0)
seconds = st.floats(min_value=0.0, max_value=1e6)


@given(complexities=turns, decay=shares)
def test_inherited_complexity_lies_between_the_newest_turns_and_the_hardest(
    complexities: list[float], decay: float
) -> None:
    inherited = inherited_complexity(complexities, decay)

    assert complexities[0] <= inherited <= max(complexities)


@given(complexities=turns, decay=shares)
def test_it_is_the_maximum_of_a_slow_loop(complexities: list[float], decay: float) -> None:
    hardest, weight = 0.0, 1.0
    for complexity in complexities:
        hardest = max(hardest, weight * complexity)
        weight *= decay

    assert inherited_complexity(complexities, decay) == pytest.approx(hardest)


@given(complexities=turns, decay=shares)
def test_turns_that_can_lift_nothing_may_be_left_out(complexities: list[float], decay: float) -> None:
    read: list[float] = []
    for age, complexity in enumerate(complexities):
        if read and not can_lift(inherited_complexity(read, decay), age=age, decay=decay):
            break
        read.append(complexity)

    assert inherited_complexity(read, decay) == inherited_complexity(complexities, decay)


@given(complexities=turns, decay=shares, following=st.floats(min_value=0.0, max_value=10.0))
def test_one_turn_later_at_least_the_decayed_complexity_is_left(
    complexities: list[float], decay: float, following: float
) -> None:
    before = inherited_complexity(complexities, decay)

    after = inherited_complexity([following, *complexities], decay)

    assert after == pytest.approx(max(following, decay * before))


@given(complexities=turns, older=turns, decay=shares)
def test_looking_further_back_never_lowers_it(complexities: list[float], older: list[float], decay: float) -> None:
    assert inherited_complexity([*complexities, *older], decay) >= inherited_complexity(complexities, decay)


@given(escalations=st.lists(st.booleans(), max_size=50), decay=st.floats(0.01, 0.99))
def test_the_weight_of_escalations_is_bounded_where_each_is_a_turn(escalations: list[bool], decay: float) -> None:
    weight = 0.0
    for escalated in escalations:
        weight = carried_weight(weight, new_turn=True, escalated=escalated, decay=decay)
        assert 0.0 <= weight <= 1.0 / (1.0 - decay) + 1e-9
        assert holds(weight) == (weight >= HOLDS)


@given(count=counts, once=seconds, more=seconds, half_life_s=st.floats(min_value=1.0, max_value=1e5))
def test_a_count_ages_the_same_in_one_step_or_two(count: float, once: float, more: float, half_life_s: float) -> None:
    stepwise = aged_count(aged_count(count, once, half_life_s), more, half_life_s)

    assert stepwise == pytest.approx(aged_count(count, once + more, half_life_s), abs=1e-9)
    assert stepwise <= count


@given(count=counts, repeats=st.floats(min_value=1.0, max_value=100.0))
def test_a_count_that_is_enough_stays_enough_when_it_grows(count: float, repeats: float) -> None:
    assert repeats_enough(count, repeats) <= repeats_enough(count + 1.0, repeats)
