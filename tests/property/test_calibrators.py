import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suffice.estimators.calibrators import Calibrator, Isotonic, Platt, from_array
from suffice.estimators.curves import RisingCurve

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)
scores = st.floats(allow_nan=False)
platts = st.builds(Platt, st.floats(0, 1e6), st.floats(-1e6, 1e6))


@st.composite
def isotonics(draw: st.DrawFn) -> Isotonic:
    places = sorted(draw(st.sets(finite, min_size=1, max_size=20)))
    heights = sorted(draw(st.lists(st.floats(0, 1), min_size=len(places), max_size=len(places))))
    return Isotonic(np.array(places, dtype=np.float64), np.array(heights))


calibrators = platts | isotonics()


@example(calibrator=Platt(0.0, 0.3), a=-math.inf, b=math.inf)
@example(calibrator=Platt(1e6, 0.0), a=-1e308, b=1e308)
@given(calibrator=calibrators, a=scores, b=scores)
def test_a_higher_score_never_gets_a_lower_probability(calibrator: Calibrator, a: float, b: float) -> None:
    low, high = calibrator(min(a, b)), calibrator(max(a, b))

    assert 0.0 < low <= high < 1.0


@given(calibrator=isotonics(), place=finite, steps=st.integers(1, 5))
def test_not_even_rounding_makes_the_curve_fall(calibrator: Isotonic, place: float, steps: int) -> None:
    next_place = place
    for _ in range(steps):
        next_place = math.nextafter(next_place, math.inf)

    assert calibrator(place) <= calibrator(next_place)


@given(calibrator=calibrators, score=scores)
def test_a_calibrator_comes_back_from_its_array_unchanged(calibrator: Calibrator, score: float) -> None:
    again = from_array(calibrator.to_array())

    assert again(score) == calibrator(score)


@given(calibrator=calibrators, score=scores)
def test_what_cannot_be_measured_gets_the_lowest_probability(calibrator: Calibrator, score: float) -> None:
    assert calibrator(math.nan) <= calibrator(score)


def test_platt_is_the_logistic_curve() -> None:
    calibrator = Platt(2.0, -1.0)

    assert calibrator(0.5) == pytest.approx(0.5)
    assert calibrator(1.0) == pytest.approx(1 / (1 + math.exp(-1.0)))


def test_isotonic_draws_straight_lines_between_its_points() -> None:
    calibrator = Isotonic(np.array([0.0, 1.0, 2.0]), np.array([0.2, 0.4, 0.9]))

    assert [calibrator(score) for score in (-5.0, 0.0, 0.5, 1.5, 9.0)] == pytest.approx([0.2, 0.2, 0.3, 0.65, 0.9])


@pytest.mark.parametrize(
    "array",
    [
        np.array([-1.0, 0.0]),
        np.array([math.nan, 0.0]),
        np.array([1.0, 2.0, 3.0]),
        np.array([[0.0, 1.0], [0.5, 0.4]]),
        np.array([[1.0, 1.0], [0.1, 0.2]]),
        np.array([[0.0, 1.0], [0.5, 1.1]]),
        np.array([[0.0, math.inf], [0.5, 0.6]]),
        np.array([[-1e308, 1e308], [0.5, 0.6]]),
        np.empty((2, 0)),
    ],
    ids=["falls", "nan", "three", "falling", "twice", "over-one", "endless", "too-wide", "empty"],
)
def test_numbers_that_make_no_calibrator_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"need|must"):
        from_array(array)


def test_isotonic_needs_rows_of_numbers() -> None:
    with pytest.raises(ValueError, match="rows"):
        Isotonic(np.zeros((1, 1)), np.zeros(1))


@given(st.lists(finite, min_size=1, max_size=5, unique=True).map(sorted))
def test_a_curve_passes_through_its_points(places: list[float]) -> None:
    heights = [float(index) for index in range(len(places))]
    curve = RisingCurve(places, heights)

    assert [curve.height_at(place) for place in places] == heights
    assert curve.height_at(math.nan) == heights[-1]


@pytest.mark.parametrize(("x", "y"), [([], []), ([1.0], []), ([1.0], [math.inf])])
def test_points_that_make_no_curve_are_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match=r"need|must"):
        RisingCurve(x, y)
