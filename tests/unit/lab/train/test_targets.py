from dataclasses import replace

import numpy as np
import pytest
from drawn_examples import HARD_WORD, draw_examples

from suffice.lab.metrics import Floats
from suffice.lab.train.examples import Examples
from suffice.lab.train.targets import category_means, denoise

N = 100
FOLDS = np.arange(N) % 4


def quieten(examples: Examples) -> Floats:
    quiet = denoise(examples, FOLDS)
    assert quiet is not None
    return quiet


def true_uplift(examples: Examples) -> Floats:
    return np.where([HARD_WORD in text for text in examples.texts], 0.85 - 0.2, 0.9 - 0.85)


def flip(examples: Examples, row: int) -> Examples:
    scores = examples.scores.copy()
    scores[row] = 1 - scores[row, ::-1]
    scores[row, 0] = 1.0 if examples.uplift[row] >= 0 else 0.0
    scores[row, 1] = 1 - scores[row, 0]
    return replace(examples, scores=scores)


def test_where_nothing_else_is_known_there_is_no_quiet_target() -> None:
    assert denoise(draw_examples(N), FOLDS) is None


def test_two_other_models_are_too_few_to_tell() -> None:
    assert denoise(draw_examples(N, n_others=2), FOLDS) is None


def test_other_models_come_before_the_category() -> None:
    examples = draw_examples(N, n_others=5, with_categories=True)
    means = category_means(examples.uplift, examples.categories or ())

    assert np.abs(quieten(examples) - means).max() > 0.05


@pytest.mark.parametrize("row", [0, 17])
@pytest.mark.parametrize("with_categories", [False, True], ids=["others", "others-and-categories"])
def test_an_own_outcome_is_not_in_its_own_target(row: int, *, with_categories: bool) -> None:
    examples = draw_examples(N, n_others=6, with_categories=with_categories)
    flipped = flip(examples, row)
    assert flipped.uplift[row] != examples.uplift[row]

    before, after = quieten(examples), quieten(flipped)

    same_fold = FOLDS[row] == FOLDS
    assert np.array_equal(before[same_fold], after[same_fold])
    assert not np.array_equal(before[~same_fold], after[~same_fold])


@pytest.mark.parametrize("n_others", [0, 20])
def test_the_target_is_nearer_to_the_truth_than_the_outcome_is(n_others: int) -> None:
    examples = draw_examples(N, n_others=n_others, with_categories=not n_others)

    quiet = quieten(examples)

    truth = true_uplift(examples)
    assert np.mean((quiet - truth) ** 2) < 0.2 * np.mean((examples.uplift - truth) ** 2)
    assert np.corrcoef(quiet, truth)[0, 1] > 0.85


def test_missing_outcomes_of_others_are_told_by_those_known() -> None:
    examples = draw_examples(N, n_others=20)
    known = np.random.default_rng(3).random(examples.other_scores.shape) < 0.6
    ragged = replace(examples, other_scores=np.where(known, examples.other_scores, np.nan))

    quiet = quieten(ragged)

    assert np.isfinite(quiet).all()
    assert np.corrcoef(quiet, true_uplift(examples))[0, 1] > 0.8


def test_a_row_that_no_other_model_answered_gets_a_middling_target() -> None:
    examples = draw_examples(N, n_others=6)
    others = examples.other_scores.copy()
    others[7] = np.nan

    quiet = quieten(replace(examples, other_scores=others))

    assert quiet.min() < quiet[7] < quiet.max()


def test_a_model_that_none_of_these_rows_has_changes_nothing_and_breaks_nothing() -> None:
    examples = draw_examples(N, n_others=6)
    empty = np.full((N, 1), np.nan)

    quiet = quieten(replace(examples, other_scores=np.hstack([examples.other_scores, empty])))

    assert np.isfinite(quiet).all()
    assert np.corrcoef(quiet, quieten(examples))[0, 1] > 0.95


def test_means_of_categories_are_shrunk_towards_the_overall_one() -> None:
    values = np.array([1.0, 1.0, 0.0, -1.0])

    means = category_means(values, ["a", "a", "b", "b"])

    # Five prompts of the overall mean, .25, are added to each category.
    assert means.tolist() == pytest.approx([(2 + 1.25) / 7] * 2 + [(-1 + 1.25) / 7] * 2)


def test_a_large_category_is_hardly_shrunk() -> None:
    values = np.concatenate([np.ones(1_000), -np.ones(1_000)])

    means = category_means(values, ["a"] * 1_000 + ["b"] * 1_000)

    assert means[0] == pytest.approx(1.0, abs=0.006)
    assert means[-1] == pytest.approx(-1.0, abs=0.006)


def test_categories_alone_make_the_target_where_others_are_unknown() -> None:
    examples = draw_examples(N, with_categories=True)

    assert np.array_equal(quieten(examples), category_means(examples.uplift, examples.categories or ()))
