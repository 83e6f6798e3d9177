import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suffice.estimators import QuantileMap

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def test_reference_values_are_spread_evenly() -> None:
    rescale = QuantileMap([30.0, 10.0, 20.0])

    assert [rescale(value) for value in (10.0, 15.0, 20.0, 30.0)] == [0.0, 2.5, 5.0, 10.0]


def test_values_outside_the_reference_reach_the_ends() -> None:
    rescale = QuantileMap([1.0, 2.0])

    assert [rescale(value) for value in (-math.inf, 0.5, 2.5, math.inf)] == [0.0, 0.0, 10.0, 10.0]


def test_equal_reference_values_share_their_mean_rank() -> None:
    rescale = QuantileMap([0.0, 1.0, 1.0, 1.0, 2.0])

    assert rescale(1.0) == 5.0


def test_a_constant_reference_parts_below_and_above() -> None:
    rescale = QuantileMap([3.0, 3.0, 3.0])

    assert [rescale(value) for value in (2.9, 3.0, 3.1)] == [0.0, 5.0, 10.0]


def test_one_reference_value_will_do() -> None:
    rescale = QuantileMap([3.0])

    assert [rescale(value) for value in (2.9, 3.0, 3.1)] == [0.0, 5.0, 10.0]


def test_what_cannot_be_measured_counts_as_hard() -> None:
    rescale = QuantileMap([1.0, 2.0])

    assert rescale(math.nan) == 10.0


def test_reference_values_that_are_not_finite_are_left_out() -> None:
    rescale = QuantileMap([math.nan, 1.0, math.inf, 3.0, -math.inf])

    assert rescale(2.0) == 5.0


@pytest.mark.parametrize("reference", [[], [math.nan], [math.inf]])
def test_without_any_finite_value_there_is_no_map(reference: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        QuantileMap(reference)


@example(reference=[1.0, -3.837095864958976e16], a=0.0, b=0.0)
@given(reference=st.lists(finite, min_size=1, max_size=30), a=finite, b=finite)
def test_the_map_is_monotone_and_stays_in_range(reference: list[float], a: float, b: float) -> None:
    rescale = QuantileMap(reference)

    low, high = rescale(min(a, b)), rescale(max(a, b))

    assert 0.0 <= low <= high <= 10.0
