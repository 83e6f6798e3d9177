import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suffice.estimators.lexical import Landmarks
from suffice.estimators.lexical.landmarks import MAX_LANDMARKS

N_MEASURES, N_LANDMARKS, N_OUTPUTS = 5, 7, 3
shapes = st.lists(st.floats(0, 12, width=32), min_size=N_MEASURES, max_size=N_MEASURES)


def add_up(shape: NDArray[np.float32]) -> NDArray[np.float32]:
    return LANDMARKS.likeness(shape[None])[0] @ LANDMARKS.weights


def make_landmarks(seed: int = 0, **changes: NDArray[np.floating]) -> Landmarks:
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {
        "centre": rng.normal(2.0, 1.0, N_MEASURES),
        "scale": rng.uniform(0.2, 1.0, N_MEASURES),
        "places": rng.normal(0.0, 1.0, (N_LANDMARKS, N_MEASURES)),
        "weights": rng.normal(0.0, 1.0, (N_LANDMARKS, N_OUTPUTS)),
    }
    return Landmarks(**{name: array.astype(np.float32) for name, array in {**arrays, **changes}.items()})


LANDMARKS = make_landmarks()


def likeness_by_hand(landmarks: Landmarks, shape: list[float]) -> list[float]:
    centre, scale, places = (each.tolist() for each in (landmarks.centre, landmarks.scale, landmarks.places))
    scaled = [(one - middle) * by for one, middle, by in zip(shape, centre, scale, strict=True)]
    return [
        math.exp(-math.fsum((one - other) ** 2 for one, other in zip(scaled, place, strict=True))) for place in places
    ]


@given(shape=shapes)
def test_likeness_falls_with_the_squared_distance(shape: list[float]) -> None:
    (likeness,) = LANDMARKS.likeness(np.array([shape]))

    assert likeness == pytest.approx(likeness_by_hand(LANDMARKS, shape), abs=1e-4)


@given(shape=shapes)
def test_one_shape_at_a_time_gets_the_weighted_sum(shape: list[float]) -> None:
    added = add_up(np.array(shape, dtype=np.float32))

    expected = np.array(likeness_by_hand(LANDMARKS, shape)) @ LANDMARKS.weights
    assert added == pytest.approx(expected, abs=1e-3)


def test_a_landmark_is_entirely_like_itself() -> None:
    own = LANDMARKS.places / LANDMARKS.scale + LANDMARKS.centre

    likeness = LANDMARKS.likeness(own)

    assert np.diag(likeness) == pytest.approx(np.ones(N_LANDMARKS), abs=1e-5)
    assert likeness.max() <= 1.0


@pytest.mark.parametrize("far", [60.0, 1e6, 1e30, -1e30])
def test_far_from_all_landmarks_there_is_no_likeness(far: float) -> None:
    shape = np.full((1, N_MEASURES), far, dtype=np.float32)

    assert LANDMARKS.likeness(shape).tolist() == [[0.0] * N_LANDMARKS]


@pytest.mark.parametrize("far", [60.0, 1e6, 1e30])
def test_far_from_all_landmarks_nothing_is_added(far: float) -> None:
    assert add_up(np.full(N_MEASURES, far, dtype=np.float32)).tolist() == [0.0] * N_OUTPUTS


def test_a_measure_of_scale_0_plays_no_part() -> None:
    landmarks = make_landmarks(scale=np.array([1.0, 1.0, 0.0, 1.0, 1.0]), places=np.zeros((N_LANDMARKS, N_MEASURES)))
    shape, other = (np.array([[2.0, 2.0, third, 2.0, 2.0]]) for third in (0.0, 1e4))

    assert np.array_equal(landmarks.likeness(shape), landmarks.likeness(other))


def test_the_shapes_given_stay_as_they_are() -> None:
    shape = np.full(N_MEASURES, 3.0, dtype=np.float32)

    LANDMARKS.likeness(shape[None])
    add_up(shape)

    assert shape.tolist() == [3.0] * N_MEASURES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"places": np.zeros(4)}, "two rows of numbers"),
        ({"weights": np.zeros(N_LANDMARKS)}, "two rows of numbers"),
        ({"places": np.zeros((0, N_MEASURES)), "weights": np.zeros((0, 1))}, "1 to 1024 landmarks"),
        ({"weights": np.zeros((N_LANDMARKS + 1, 1))}, "a row of weights each"),
        ({"centre": np.zeros(N_MEASURES + 1)}, "landmarks of 5 measures"),
        ({"scale": np.zeros(1)}, "landmarks of 5 measures"),
        ({"places": np.full((N_LANDMARKS, N_MEASURES), 1e5)}, "further than 10000 from the centre"),
        ({"places": np.full((N_LANDMARKS, N_MEASURES), np.nan)}, "further than 10000 from the centre"),
        (
            {"places": np.zeros((MAX_LANDMARKS + 1, N_MEASURES)), "weights": np.zeros((MAX_LANDMARKS + 1, 1))},
            "1 to 1024 landmarks",
        ),
    ],
    ids=["flat-places", "flat-weights", "none", "weights", "centre", "scale", "far", "nan", "many"],
)
def test_arrays_that_do_not_fit_are_refused(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_landmarks(**changes)
