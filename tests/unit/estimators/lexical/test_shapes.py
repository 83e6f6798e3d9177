import math
from math import sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suffice.estimators.lexical import Landmarks, Layout, Lexical, extract
from suffice.estimators.lexical.features import OPENING_OF
from suffice.estimators.lexical.shapes import N_MEASURES, join_shape, merge, trace
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.wordkinds import KINDS, OPENINGS

LAYOUT = Layout(word_bits=10, run_bits=10, pair_bits=10)
N_OUTPUTS = 2
SOME_WORDS = ["how", "prove", "the", "the", "x", "3+4", "a)", "zebra", "why", "not", "?", "function"]
TEXTS = st.text(max_size=200) | st.lists(st.sampled_from(SOME_WORDS)).map(" ".join)
TYPICAL = np.linspace(0.0, 4.0, len(SURFACE))


def add_up(shape: NDArray[np.float32]) -> NDArray[np.float32]:
    return LANDMARKS.likeness(shape[None])[0] @ LANDMARKS.weights


def shape_of(text: str) -> NDArray[np.float32]:
    """The dense row of features that training sees, from the kinds of words on."""
    rows = extract([text], LAYOUT)
    dense = np.zeros(LAYOUT.n_columns, dtype=np.float32)
    dense[rows.columns] = rows.values
    return dense[LAYOUT.first_kind :]


def make_landmarks() -> Landmarks:
    rng = np.random.default_rng(0)
    examples = np.array([shape_of(text) for text in ("", "why not?", "prove the function f(x)", "3+4", "how how how")])
    centre, scale = examples.mean(axis=0), rng.uniform(0.1, 0.5, N_MEASURES)
    return Landmarks(
        centre.astype(np.float32),
        scale.astype(np.float32),
        ((examples - centre) * scale).astype(np.float32),
        rng.normal(size=(5, N_OUTPUTS)).astype(np.float32),
    )


LANDMARKS = make_landmarks()
WEIGHTS = np.random.default_rng(1).normal(scale=0.1, size=(LAYOUT.n_columns, N_OUTPUTS)).astype(np.float32)
INTERCEPTS = np.array([0.5, -1.0])
MODEL = Lexical(WEIGHTS, INTERCEPTS, LAYOUT, (), LANDMARKS)


def test_a_shape_has_a_place_for_every_measure() -> None:
    kinds, surface = np.arange(len(KINDS)) + 1.0, np.arange(len(SURFACE)) + 50.0

    shape = join_shape(surface, kinds, 3)

    openings = [float(place == 3) for place in range(len(OPENINGS))]
    assert shape.tolist() == [*kinds.tolist(), *openings, *surface.tolist()]


def test_a_text_without_words_has_neither_kinds_nor_an_opening() -> None:
    shape = join_shape(np.ones(len(SURFACE)), None, None)

    assert shape[: -len(SURFACE)].tolist() == [0.0] * (len(KINDS) + len(OPENINGS))


@example(text="")
@example(text="Why not prove the function? Why?")
@example(text="\ud800 東京")
@example(text="zebra " * 3_000)
@given(text=TEXTS)
def test_the_shape_that_is_served_is_the_one_that_is_trained_on(text: str) -> None:
    weights = np.zeros((LAYOUT.n_columns, N_OUTPUTS))
    model = Lexical(weights, np.zeros(N_OUTPUTS), LAYOUT, (), LANDMARKS)

    assert model(text) == pytest.approx(add_up(shape_of(text)), abs=1e-5)


@example(text="")
@example(text="?!")
@example(text="why not prove the function")
@given(text=TEXTS)
@pytest.mark.parametrize("output", range(N_OUTPUTS))
def test_contributions_sum_up_to_the_difference_from_a_typical_text(output: int, text: str) -> None:
    of_typical = INTERCEPTS + TYPICAL @ WEIGHTS[LAYOUT.first_surface :]
    of_typical += add_up(join_shape(TYPICAL, None, None))

    added = [each.value for each in MODEL.contributions(text, TYPICAL, output)]

    assert math.fsum(added) == pytest.approx(MODEL(text)[output] - of_typical[output], abs=1e-4)


@given(start=TEXTS, end=TEXTS)
def test_a_trace_sums_up_to_what_the_way_changes(start: str, end: str) -> None:
    shapes = shape_of(start), shape_of(end)

    found = trace(LANDMARKS, *shapes, 1)

    from_start, to_end = (add_up(shape)[1] for shape in shapes)
    assert math.fsum(value for _, value in found) == pytest.approx(to_end - from_start, abs=1e-5)


def test_a_trace_names_what_changed_and_nothing_else() -> None:
    found = trace(LANDMARKS, shape_of("zebra"), shape_of("zebra??"), 0)

    assert [name for name, _ in found] == ["count: question_marks"]


def test_a_trace_to_the_same_shape_is_empty() -> None:
    assert trace(LANDMARKS, shape_of("why not"), shape_of("why not"), 0) == []


def test_two_measures_share_what_they_do_together() -> None:
    places = np.zeros((1, N_MEASURES), dtype=np.float32)
    one = np.ones(N_MEASURES, dtype=np.float32)
    landmarks = Landmarks(places[0], one, places, np.ones((1, 1), dtype=np.float32))
    end = np.zeros(N_MEASURES, dtype=np.float32)
    end[[0, 4]] = sqrt(math.log(2))
    names = tuple(KINDS)

    (first, of_first), (second, of_second) = trace(landmarks, np.zeros_like(end), end, 0)

    # Alone each takes the likeness from 1 to .5, both to .25: on one way -.5 and -.25, on the other the reverse.
    assert (first, second) == (f"kind: {names[0]}", f"kind: {names[4]}")
    assert (of_first, of_second) == pytest.approx((-0.375, -0.375))


def test_the_opening_is_traced_by_its_word() -> None:
    shape = join_shape(TYPICAL, None, None)

    found = dict(trace(LANDMARKS, shape, join_shape(TYPICAL, None, OPENING_OF[b"why"]), 0))

    assert list(found) == ["first word: why"]


def test_contributions_of_one_name_are_added_up() -> None:
    merged = merge([("a", 1.0), ("b", 0.5), ("a", -0.25)])

    assert [(each.feature, each.value) for each in merged] == [("a", 0.75), ("b", 0.5)]


@pytest.mark.parametrize("measures", [N_MEASURES - 1, N_MEASURES + 1])
def test_landmarks_of_other_measures_are_refused(measures: int) -> None:
    other = Landmarks(
        *(np.zeros(shape, dtype=np.float32) for shape in ((measures,), (measures,), (1, measures), (1, 2)))
    )

    with pytest.raises(ValueError, match=f"landmarks of {measures} measures do not fit the layout"):
        Lexical(np.zeros((LAYOUT.n_columns, 2)), np.zeros(2), LAYOUT, (), other)


def test_landmarks_for_other_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="landmarks for 2 outputs, weights for 3"):
        Lexical(np.zeros((LAYOUT.n_columns, 3)), np.zeros(3), LAYOUT, (), LANDMARKS)
