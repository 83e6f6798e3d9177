import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from suffice.estimators.lexical import Layout, Lexical, extract, wordsums
from suffice.estimators.lexical.words import Runs, runs_of
from suffice.estimators.lexical.wordsums import WordSums

LAYOUT = Layout(word_bits=12, run_bits=14, pair_bits=12)
NO_PAIRS = Layout(word_bits=12, run_bits=14, pair_bits=0)
WORDS_ALONE = Layout(word_bits=12, run_bits=0, pair_bits=0)
N_OUTPUTS = 3
SOME_WORDS = ["how", "prove", "the", "the", "x", "3+4", "a)", "zebra", "why", "not"]
TEXTS = st.text(max_size=300) | st.lists(st.sampled_from(SOME_WORDS)).map(" ".join)


def make_weights(layout: Layout) -> NDArray[np.float32]:
    rng = np.random.default_rng(5)
    return rng.normal(scale=0.1, size=(layout.n_columns, N_OUTPUTS)).astype(np.float32)


WEIGHTS = {layout: make_weights(layout) for layout in (LAYOUT, NO_PAIRS, WORDS_ALONE)}
INTERCEPTS = np.array([0.5, -1.0, 2.0])
USED = {layout: Lexical(weights, INTERCEPTS, layout) for layout, weights in WEIGHTS.items()}


def make_model(layout: Layout = LAYOUT) -> Lexical:
    return Lexical(WEIGHTS[layout], INTERCEPTS, layout)


def slow_outputs(text: str, layout: Layout) -> NDArray[np.float64]:
    rows = extract([text], layout)
    outputs = INTERCEPTS.copy()
    for column, value in zip(rows.columns.tolist(), rows.values.tolist(), strict=True):
        outputs += value * WEIGHTS[layout][column]
    return outputs


@pytest.mark.parametrize("layout", [LAYOUT, NO_PAIRS, WORDS_ALONE], ids=["pairs", "no-pairs", "words-alone"])
@example(text="")
@example(text="?!")
@example(text="why")
@example(text="\ud800 東京大学はどこですか")
@example(text="a" * 9_000)
@example(text=" ".join(f"word{number} of {number * number}" for number in range(700)))
@given(text=TEXTS)
def test_the_fast_way_gives_features_times_weights(layout: Layout, text: str) -> None:
    outputs = USED[layout](text)

    assert outputs == pytest.approx(slow_outputs(text, layout), abs=1e-6, rel=1e-6)


@given(text=TEXTS)
def test_what_was_scored_before_changes_no_bit(text: str) -> None:
    assert USED[LAYOUT](text) == make_model()(text)


@given(text=TEXTS)
def test_a_vocabulary_changes_no_bit(text: str) -> None:
    vocabulary = list(dict.fromkeys(word.encode() for word in [*SOME_WORDS, "3", "4"]))

    assert Lexical(WEIGHTS[LAYOUT], INTERCEPTS, LAYOUT, vocabulary)(text) == make_model()(text)


@given(texts=st.lists(TEXTS, max_size=6))
def test_forgetting_changes_no_bit(texts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordsums, "MAX_LEARNED", 400)
        patch.setattr(wordsums, "MAX_LEARNED_BYTES", 2_000)
        forgetful = make_model()
        forgotten = [forgetful(text) for text in texts]

    assert forgotten == [USED[LAYOUT](text) for text in texts]


@pytest.mark.parametrize("n_new", [0, 3, 50])
def test_of_a_long_text_new_words_are_learned_however_many_they_are(n_new: int) -> None:
    text = " ".join(f"word{number}" for number in range(150))
    model = make_model()
    model(text)

    longer = text + "".join(f" new{number}" for number in range(n_new))

    assert model(longer) == make_model()(longer)


def test_kept_words_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordsums, "MAX_LEARNED", 50)
    words = WordSums(WEIGHTS[LAYOUT], LAYOUT)

    sizes: list[int] = []
    for start in range(0, 200, 20):
        words.add_up({b"%d" % number for number in range(start, start + 20)})
        sizes.append(len(words))

    assert sizes == [20, 40] + [60, 80] * 4


def test_the_vocabulary_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordsums, "MAX_LEARNED", 50)
    vocabulary = [b"v%d" % number for number in range(15)]
    words = WordSums(WEIGHTS[LAYOUT], LAYOUT, vocabulary)

    sizes: list[int] = []
    for start in range(0, 100, 20):
        words.add_up({b"%d" % number for number in range(start, start + 20)})
        sizes.append(len(words))

    assert sizes == [35, 55, 75, 95, 75]
    words.add_up(set(vocabulary))
    assert len(words) == 75


def test_kept_words_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordsums, "MAX_LEARNED_BYTES", 10_000)
    words = WordSums(WEIGHTS[LAYOUT], LAYOUT)

    sizes: list[int] = []
    for number in range(9):
        words.add_up({b"%d" % number * 4_000})
        sizes.append(len(words))

    assert sizes == [1, 2, 3, 4, 5, 6, 4, 5, 6]


def test_words_that_are_met_again_are_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordsums, "MAX_LEARNED", 50)
    words = WordSums(WEIGHTS[LAYOUT], LAYOUT)
    learned: list[bytes] = []

    def note(new: Sequence[bytes], layout: Layout) -> Runs:
        learned.extend(new)
        return runs_of(new, layout)

    monkeypatch.setattr(wordsums, "runs_of", note)

    for start in range(0, 200, 20):
        words.add_up({b"met", *(b"%d" % number for number in range(start, start + 20))})

    assert learned.count(b"met") == 1


def test_words_that_are_met_again_count_among_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordsums, "MAX_LEARNED_BYTES", 10_000)
    words = WordSums(WEIGHTS[LAYOUT], LAYOUT)

    for number in range(20):
        words.add_up({b"%d" % met * 4_000 for met in range(max(0, number - 3), number + 1)})

    assert len(words) <= 8


@given(text=TEXTS)
def test_contributions_sum_up_to_the_output(text: str) -> None:
    typical = np.linspace(0.0, 4.0, LAYOUT.n_columns - LAYOUT.first_surface)
    of_typical = float(typical @ WEIGHTS[LAYOUT][LAYOUT.first_surface :, 1])

    added = [each.value for each in USED[LAYOUT].contributions(text, typical, output=1)]

    assert math.fsum(added) + INTERCEPTS[1] + of_typical == pytest.approx(USED[LAYOUT](text)[1], abs=1e-5)


def test_contributions_are_named_by_what_stands_in_the_text() -> None:
    typical = np.zeros(LAYOUT.n_columns - LAYOUT.first_surface)

    names = {each.feature for each in USED[LAYOUT].contributions("Why prove it?", typical)}

    assert {"why", "prove", "it", "why prove", "prove it", "first word: why", "count: question_marks"} <= names
    assert "prove why" not in names


@pytest.mark.parametrize(
    ("weights", "intercepts"),
    [
        (np.zeros((3, 2)), np.zeros(2)),
        (np.zeros(LAYOUT.n_columns), np.zeros(1)),
        (np.zeros((LAYOUT.n_columns, 2)), np.zeros(3)),
        (np.full((LAYOUT.n_columns, 1), 1e7), np.zeros(1)),
        (np.full((LAYOUT.n_columns, 1), math.nan), np.zeros(1)),
    ],
    ids=["columns", "one-dimension", "outputs", "huge", "nan"],
)
def test_weights_that_do_not_fit_are_refused(weights: NDArray[np.float64], intercepts: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=r"need weights|a weight is beyond"):
        Lexical(weights, intercepts, LAYOUT)


@pytest.mark.parametrize(
    "vocabulary",
    [[b"a", b"a"], [b""], [b"%d" % number for number in range(wordsums.MAX_VOCABULARY + 1)]],
    ids=["twice", "empty", "long"],
)
def test_a_vocabulary_that_is_none_is_refused(vocabulary: list[bytes]) -> None:
    with pytest.raises(ValueError, match="different words at most"):
        Lexical(WEIGHTS[LAYOUT], INTERCEPTS, LAYOUT, vocabulary)
