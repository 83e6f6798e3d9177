import numpy as np
import pytest

from suffice.errors import DatasetError
from suffice.lab.dataset import Dataset, Outcome, Query


def outcome(query_id: str, model: str, score: float | None) -> Outcome:
    return Outcome(query_id=query_id, model=model, score=score)


def ragged() -> Dataset:
    """Four queries: one that both answered, one each that only one did, one that nobody judged."""
    return Dataset.of(
        [Query(query_id=name, prompt=f"What is {name}?") for name in ("a", "b", "c", "d", "e")],
        [
            outcome("a", "tiny-1b", 0.25),
            outcome("a", "huge-70b", 1.0),
            outcome("b", "tiny-1b", 1.0),
            outcome("c", "huge-70b", 1.0),
            outcome("d", "tiny-1b", None),
            outcome("d", "huge-70b", 0.5),
        ],
    )


def many(small: list[float], large: list[float]) -> Dataset:
    names = [str(number) for number in range(len(small))]
    return Dataset.of(
        [Query(query_id=name, prompt=f"Question {name}") for name in names],
        [
            outcome(name, model, score)
            for model, scores in (("small", small), ("large", large))
            for name, score in zip(names, scores, strict=True)
        ],
    )


def test_a_pair_holds_the_queries_that_both_models_answered_and_somebody_judged() -> None:
    pairs = ragged().pairs("tiny-1b", "huge-70b")

    assert pairs.query.tolist() == [0]
    assert pairs.small_scores.tolist() == [0.25]
    assert pairs.large_scores.tolist() == [1.0]
    assert pairs.uplift.tolist() == [0.75]
    assert pairs.small_failed.tolist() == [True]


def test_a_pair_says_of_every_query_left_out_why() -> None:
    pairs = ragged().pairs("tiny-1b", "huge-70b")

    assert pairs.left_out == {
        "neither model answered": 1,
        "tiny-1b did not answer": 1,
        "huge-70b did not answer": 1,
        "an answer was not scored": 1,
    }


def test_scores_of_all_models_are_a_matrix_with_gaps() -> None:
    dataset = ragged()

    matrix = dataset.score_matrix()

    assert dataset.models == ("huge-70b", "tiny-1b")
    expected = [[1.0, 0.25], [np.nan, 1.0], [1.0, np.nan], [0.5, np.nan], [np.nan, np.nan]]
    np.testing.assert_array_equal(matrix, expected)


def test_a_models_outcomes_are_found_by_query() -> None:
    found = ragged().outcomes_of("huge-70b")

    assert {index: answered.query_id for index, answered in found.items()} == {0: "a", 2: "c", 3: "d"}


def test_an_unknown_model_is_answered_with_the_one_that_was_meant_and_the_known_ones() -> None:
    with pytest.raises(DatasetError, match=r"'tiny-1B'; did you mean 'tiny-1b'\? known are huge-70b, tiny-1b"):
        ragged().pairs("tiny-1B", "huge-70b")


def test_long_lists_of_known_models_are_cut() -> None:
    dataset = Dataset.of(
        [Query(query_id="a", prompt="hi")], [outcome("a", f"model-{number:02}", 1.0) for number in range(20)]
    )

    with pytest.raises(DatasetError, match=r"; known are model-00, .*, model-11 and 8 more$"):
        dataset.outcomes_of("gpt")


def test_a_pair_of_a_model_with_itself_is_refused() -> None:
    with pytest.raises(DatasetError, match="are the same model"):
        ragged().pairs("tiny-1b", "tiny-1b")


def test_five_queries_are_too_few_to_train_on_and_the_gaps_are_told() -> None:
    with pytest.raises(DatasetError, match=r"^1 queries .* but 20 at least .*huge-70b did not answer: 1"):
        ragged().pairs("tiny-1b", "huge-70b").check_trainable()


@pytest.mark.parametrize(("score", "verdict"), [(0.49, "fails .* on every one"), (0.5, "fails .* on none")])
def test_outcomes_of_one_class_teach_nothing(score: float, verdict: str) -> None:
    pairs = many([score] * 30, [0.0, 1.0] * 15).pairs("small", "large")

    with pytest.raises(DatasetError, match=verdict):
        pairs.check_trainable()


def test_a_large_model_that_gains_nothing_anywhere_teaches_nothing() -> None:
    scores = [0.0, 1.0] * 15

    with pytest.raises(DatasetError, match=r"\+0.00 against small on each of 30"):
        many(scores, scores).pairs("small", "large").check_trainable()


def test_twenty_queries_of_both_classes_may_be_trained_on() -> None:
    pairs = many([0.0, 1.0] * 10, [1.0] * 20).pairs("small", "large")

    pairs.check_trainable()

    assert pairs.left_out == {}
