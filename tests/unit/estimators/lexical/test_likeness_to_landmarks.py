import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suffice.estimators.lexical import Landmarks, Layout, Lexical, extract
from suffice.estimators.lexical.shapes import N_MEASURES
from suffice.estimators.lexical.wordkinds import KINDS, OPENINGS

LAYOUT = Layout(word_bits=8, run_bits=8, pair_bits=0)
N_OUTPUTS = 3
INTERCEPTS = np.array([0.5, -1.0, 2.0])
WORDS = ["how", "why", "prove", "lemma", "the", "translate", "3+4", "a)\nb)", "zebra", "$x$", "not"]
TEXTS = st.text(max_size=200) | st.lists(st.sampled_from(WORDS)).map(" ".join)

Kind = Literal["typical", "alike", "far", "sharp"]


def shape_of(text: str) -> NDArray[np.float32]:
    rows = extract([text], LAYOUT)
    shape = np.zeros(N_MEASURES, dtype=np.float32)
    is_shape = rows.columns >= LAYOUT.first_kind
    shape[rows.columns[is_shape] - LAYOUT.first_kind] = rows.values[is_shape]
    return shape


def make_landmarks(kind: Kind) -> Landmarks:
    """Landmarks as training places them; all on one text; so far away that squares overflow; or so sharp."""
    rng = np.random.default_rng(7)
    drawn = [" ".join(rng.choice(WORDS, size=size)) for size in range(1, 40)]
    shapes = np.array([shape_of(text) for text in (["zebra"] * 39 if kind == "alike" else drawn)])
    centre = shapes.mean(axis=0)
    scale = 0.5 / np.maximum(shapes.std(axis=0), 0.5)
    # A measure that does not vary is not looked at.
    scale[LAYOUT.first_surface - LAYOUT.first_kind - 1] = 0.0
    places = (shapes - centre) * scale
    if kind == "far":
        places[::2] += 3_000.0
    if kind == "sharp":
        scale *= 1e6
    weights = rng.normal(size=(39, N_OUTPUTS)).astype(np.float32)
    return Landmarks(centre, scale.astype(np.float32), places.astype(np.float32), weights)


def make_weights(*, of_shape: bool) -> NDArray[np.float32]:
    weights = np.random.default_rng(5).normal(scale=0.1, size=(LAYOUT.n_columns, N_OUTPUTS)).astype(np.float32)
    if not of_shape:
        weights[LAYOUT.first_kind :] = 0.0
    return weights


LANDMARKS: dict[Kind, Landmarks] = {kind: make_landmarks(kind) for kind in ("typical", "alike", "far", "sharp")}
WEIGHTS = {of_shape: make_weights(of_shape=of_shape) for of_shape in (True, False)}
MODELS = {
    (kind, of_shape): Lexical(weights, INTERCEPTS, LAYOUT, landmarks=landmarks)
    for kind, landmarks in LANDMARKS.items()
    for of_shape, weights in WEIGHTS.items()
}


def slow_outputs(text: str, kind: Kind, *, of_shape: bool) -> NDArray[np.float64]:
    landmarks = LANDMARKS[kind]
    outputs = INTERCEPTS + landmarks.likeness(shape_of(text)[None])[0].astype(np.float64) @ landmarks.weights
    rows = extract([text], LAYOUT)
    for column, value in zip(rows.columns.tolist(), rows.values.tolist(), strict=True):
        outputs += value * WEIGHTS[of_shape][column]
    return outputs


@pytest.mark.parametrize(("kind", "of_shape"), MODELS)
@example(text="")
@example(text="?!")
@example(text="zebra")
@example(text="how the lemma (a) x\nb) y")
@example(text=" ".join(f"word{number} prove lemma" for number in range(700)))
@example(text="\n" * 9_000)
@given(text=TEXTS)
def test_the_fast_way_gives_likeness_times_weights(kind: Kind, *, of_shape: bool, text: str) -> None:
    outputs = MODELS[kind, of_shape](text)

    assert outputs == pytest.approx(slow_outputs(text, kind, of_shape=of_shape), abs=1e-5, rel=1e-5)


@given(texts=st.lists(TEXTS, max_size=5))
def test_a_text_before_changes_no_bit(texts: list[str]) -> None:
    fresh = Lexical(WEIGHTS[False], INTERCEPTS, LAYOUT, landmarks=LANDMARKS["typical"])

    assert [MODELS["typical", False](text) for text in texts] == [fresh(text) for text in reversed(texts)][::-1]


@given(text=TEXTS)
def test_contributions_sum_up_to_the_output(text: str) -> None:
    typical = np.linspace(0.0, 4.0, LAYOUT.n_columns - LAYOUT.first_surface)
    shape = np.concatenate([np.zeros(len(KINDS) + len(OPENINGS)), typical]).astype(np.float32)
    landmarks = LANDMARKS["typical"]
    of_typical = float(typical @ WEIGHTS[True][LAYOUT.first_surface :, 1].astype(np.float64))
    of_typical += float(landmarks.likeness(shape[None])[0] @ landmarks.weights[:, 1])

    added = [each.value for each in MODELS["typical", True].contributions(text, typical, output=1)]

    assert math.fsum(added) + INTERCEPTS[1] + of_typical == pytest.approx(MODELS["typical", True](text)[1], abs=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"places": np.zeros(N_MEASURES)}, "two rows of numbers"),
        ({"places": np.zeros((0, N_MEASURES)), "weights": np.zeros((0, 3))}, "need 1 to 1024 landmarks"),
        ({"weights": np.zeros((3, 3))}, "a row of weights each"),
        ({"scale": np.zeros(3)}, "but centre and scale of"),
        ({"places": np.full((39, N_MEASURES), 1e5)}, "further than 10000"),
    ],
    ids=["one-row", "none", "weights", "scale", "far"],
)
def test_landmarks_that_do_not_fit_together_are_refused(change: dict[str, NDArray[np.float64]], words: str) -> None:
    given_ = LANDMARKS["typical"]
    parts = {"centre": given_.centre, "scale": given_.scale, "places": given_.places, "weights": given_.weights}

    with pytest.raises(ValueError, match=words):
        Landmarks(**{**parts, **{name: part.astype(np.float32) for name, part in change.items()}})


@pytest.mark.parametrize(
    "landmarks",
    [
        Landmarks(np.zeros(3, "f4"), np.ones(3, "f4"), np.zeros((2, 3), "f4"), np.zeros((2, N_OUTPUTS), "f4")),
        Landmarks(
            np.zeros(N_MEASURES, "f4"),
            np.ones(N_MEASURES, "f4"),
            np.zeros((2, N_MEASURES), "f4"),
            np.zeros((2, N_OUTPUTS + 1), "f4"),
        ),
    ],
    ids=["measures", "outputs"],
)
def test_landmarks_of_another_model_are_refused(landmarks: Landmarks) -> None:
    with pytest.raises(ValueError, match=r"do not fit the layout|outputs, weights for"):
        Lexical(WEIGHTS[False], INTERCEPTS, LAYOUT, landmarks=landmarks)
