import numpy as np
import pytest
from drawn_examples import LAYOUT, ODD_TEXTS, draw_texts, read_features
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from suffice.estimators.lexical import Landmarks, Layout, Lexical, extract
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.words import word_bucket
from suffice.lab.train import design as designs
from suffice.lab.train.crossval import VIEWS
from suffice.lab.train.design import Design, ShapeView, TextFeatures

TEXTS = draw_texts(80, np.random.default_rng(0), lengths=(1, 30))
FEATURES = read_features(TEXTS)
DESIGNS = {view: Design.fit(FEATURES, view) for view in VIEWS}
INTERCEPTS = np.array([0.25, -1.0])


def mean_square(values: NDArray[np.floating]) -> float:
    return float(np.einsum("ij,ij->", values, values, dtype=np.float64)) / len(values)


def place_of(measure: str) -> int:
    return LAYOUT.first_surface - LAYOUT.first_kind + SURFACE.index(measure)


def solve_somehow(view: ShapeView) -> tuple[Lexical, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """A model of arbitrary dual weights, as it is served and as training has it."""
    dual = np.random.default_rng(1).normal(scale=0.1, size=(len(TEXTS), 2)).astype(np.float32)
    solution = DESIGNS[view].rows(FEATURES).of_rows(dual)
    weights, landmarks = DESIGNS[view].weigh(*solution)
    return Lexical(weights, INTERCEPTS, LAYOUT, (), landmarks), solution


SOLVED = {view: solve_somehow(view) for view in VIEWS}


@pytest.mark.parametrize("view", VIEWS, ids=["broad", "sharp"])
@settings(deadline=None, max_examples=40)
@example(text=ODD_TEXTS[0])
@example(text=ODD_TEXTS[1])
@example(text=ODD_TEXTS[3])
@example(text=ODD_TEXTS[4])
@example(text=ODD_TEXTS[5])
@example(text=ODD_TEXTS[6])
@example(text=ODD_TEXTS[7])
@given(text=st.text(max_size=200) | st.sampled_from(TEXTS))
def test_what_is_served_is_what_training_would_predict(view: ShapeView, text: str) -> None:
    served, solution = SOLVED[view]

    predicted = DESIGNS[view].rows(read_features([text])).predict(solution)[0] + INTERCEPTS

    assert served(text) == pytest.approx(predicted, abs=2e-3)


@pytest.mark.parametrize("view", VIEWS, ids=["broad", "sharp"])
def test_each_block_may_say_as_much_as_it_shall(view: ShapeView) -> None:
    rows = DESIGNS[view].rows(FEATURES)

    assert mean_square(rows.words[:, : LAYOUT.first_run].toarray()) == pytest.approx(0.7, rel=1e-3)
    assert mean_square(rows.words[:, LAYOUT.first_run :].toarray()) == pytest.approx(0.7, rel=1e-3)
    # Likeness of a text to itself is 1, less what the landmarks' jitter takes.
    assert mean_square(rows.shapes) == pytest.approx(1.5, rel=0.02)


def test_words_alone_may_say_as_much_as_words_and_runs() -> None:
    layout = Layout(word_bits=10, run_bits=0)
    features = TextFeatures.of(extract(TEXTS, layout), layout)

    rows = Design.fit(features, VIEWS[0]).rows(features)

    assert mean_square(rows.words.toarray()) == pytest.approx(1.4, rel=1e-3)


def test_likeness_in_shape_is_what_the_landmarks_say_of_two_texts() -> None:
    rows = DESIGNS[VIEWS[0]].rows(FEATURES)
    landmarks = DESIGNS[VIEWS[0]].landmarks
    scaled = (FEATURES.shapes - landmarks.centre) * landmarks.scale
    distances = ((scaled[:, None, :] - scaled[None, :, :]) ** 2).sum(axis=2)

    assert rows.shapes @ rows.shapes.T == pytest.approx(1.5 * np.exp(-distances), abs=0.03)


@pytest.mark.parametrize("view", VIEWS, ids=["broad", "sharp"])
def test_sharpness_is_told_by_the_likeness_at_the_median_distance(view: ShapeView) -> None:
    landmarks = DESIGNS[view].landmarks
    likeness = landmarks.likeness(FEATURES.shapes)

    between = likeness[likeness < 0.999]

    assert float(np.median(between)) == pytest.approx(np.exp(-2 * view.sharpness), abs=0.05)


def test_a_rare_word_says_more_than_a_frequent_one() -> None:
    design = Design.fit(read_features(["list rivers"] * 9 + ["list knots"]), VIEWS[0])

    rare, frequent = (float(design.scale[word_bucket(word, LAYOUT)]) for word in (b"knots", b"list"))

    assert rare / frequent == pytest.approx((np.log(11 / 2) + 1) / 1.0, rel=1e-4)


def test_a_measure_that_never_varies_tells_no_text_from_another() -> None:
    design = Design.fit(read_features(["list rivers", "list knots", "list tides", "prove knots"]), VIEWS[0])
    shape = read_features(["list rivers"]).shapes
    with_digits, with_letters = shape.copy(), shape.copy()
    with_digits[0, place_of("digits")] += 3.0
    with_letters[0, place_of("lower")] += 3.0

    likeness = design.landmarks.likeness

    assert np.array_equal(likeness(with_digits), likeness(shape))
    assert not np.allclose(likeness(with_letters), likeness(shape))


def test_texts_of_one_shape_have_one_landmark() -> None:
    features = read_features(["list knots"] * 5)

    design = Design.fit(features, VIEWS[0])

    assert design.landmarks.places.shape[0] == 1
    assert np.isfinite(design.rows(features).shapes).all()


def test_landmarks_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(designs, "N_LANDMARKS", 7)

    first, again = (Design.fit(FEATURES, VIEWS[0]).landmarks.places for _ in range(2))

    assert first.shape[0] == 7
    assert np.unique(first, axis=0).shape[0] == 7
    assert np.array_equal(first, again)


def test_given_landmarks_are_kept_where_they_are() -> None:
    given_landmarks = DESIGNS[VIEWS[1]].landmarks

    design = Design.fit(read_features(TEXTS[:9]), given_landmarks)
    _, weighed = design.weigh(
        np.zeros((LAYOUT.first_kind, 2), dtype=np.float32), np.ones((given_landmarks.places.shape[0], 2))
    )

    assert isinstance(weighed, Landmarks)
    assert np.array_equal(weighed.places, given_landmarks.places)
    assert np.array_equal(weighed.scale, given_landmarks.scale)
    assert weighed.weights.shape == (given_landmarks.places.shape[0], 2)


def test_features_of_some_texts_are_those_of_these_texts() -> None:
    some = FEATURES.take(np.array([3, 1]))

    alone = read_features([TEXTS[3], TEXTS[1]])

    assert (some.whole != alone.whole).nnz == 0
    assert np.array_equal(some.shapes, alone.shapes)
