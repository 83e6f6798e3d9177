import math

import numpy as np
import pytest

from suffice.lab.metrics import GainCurve, PairedScores, Ranking, category_only, length, oracle, shuffled

N = 400
CATEGORIES = [("maths", "history", "law", "code")[index % 4] for index in range(N)]
GROUPS = [str(index // 2) for index in range(N)]


def gains_of_maths_only() -> PairedScores:
    is_maths = np.array(CATEGORIES) == "maths"
    rng = np.random.default_rng(5)
    return PairedScores((rng.random(N) < 0.5) * ~is_maths * 1.0, (rng.random(N) < 0.5) * ~is_maths * 1.0 + is_maths)


def test_shuffled_is_the_mean_of_random_orders() -> None:
    scores = gains_of_maths_only()
    rng = np.random.default_rng(1)
    drawn = [GainCurve.of(Ranking.of(rng.random(N)), scores).score_at(0.15) for _ in range(2000)]

    expected = GainCurve.of(Ranking.of(shuffled(N)), scores).score_at(0.15)

    assert expected == pytest.approx(np.mean(drawn), abs=5 * float(np.std(drawn)) / math.sqrt(2000))


def test_longer_prompts_are_harder_by_length() -> None:
    complexity = length(["", "Why?", "Why is the sky blue at noon and red at dusk?"])

    assert complexity.tolist() == sorted(complexity.tolist())
    assert len(set(complexity.tolist())) == 3


def test_no_other_order_beats_the_oracle() -> None:
    scores = gains_of_maths_only()
    rng = np.random.default_rng(2)

    best = GainCurve.of(Ranking.of(oracle(scores)), scores).apgr()

    others = [GainCurve.of(Ranking.of(rng.random(N)), scores).apgr() for _ in range(50)]
    assert best > max(others)


def test_a_category_that_gains_comes_first() -> None:
    scores = gains_of_maths_only()

    complexity = category_only(scores.uplift, CATEGORIES, GROUPS)

    is_maths = np.array(CATEGORIES) == "maths"
    assert complexity[is_maths].min() > complexity[~is_maths].max()


def test_a_groups_own_outcomes_do_not_move_its_complexity() -> None:
    uplift = gains_of_maths_only().uplift
    changed = uplift.copy()
    changed[:2] = [-1.0, -1.0]

    before, after = (category_only(one, CATEGORIES, GROUPS) for one in (uplift, changed))

    assert after[:2].tolist() == before[:2].tolist()
    assert after.tolist() != before.tolist()


def test_categories_that_mean_nothing_are_equal() -> None:
    uplift = np.tile([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], 50)

    complexity = category_only(uplift, CATEGORIES, [str(index // 8) for index in range(N)])

    assert set(complexity.tolist()) == {0.0}


def test_a_small_category_is_shrunk_more_than_a_large_one() -> None:
    rng = np.random.default_rng(3)
    categories = ["large"] * 300 + ["small"] * 12 + ["other"] * 300
    uplift = np.concatenate([rng.permutation([1.0, 0.0] * 150), rng.permutation([1.0, 0.0] * 6), np.zeros(300)])

    complexity = category_only(uplift, categories, [str(index) for index in range(612)])

    assert complexity[312:].max() < complexity[300:312].mean() < complexity[:300].mean()


def test_an_unseen_category_is_average() -> None:
    categories = ["once", *CATEGORIES[1:]]

    complexity = category_only(gains_of_maths_only().uplift, categories, GROUPS)

    assert complexity[0] == 0.0


@pytest.mark.parametrize(
    ("n_categories", "n_groups", "n_folds", "message"),
    [(3, 4, 2, "3 categories"), (4, 3, 2, "3 groups"), (4, 4, 1, "1 folds")],
)
def test_what_cannot_be_folded_is_refused(n_categories: int, n_groups: int, n_folds: int, message: str) -> None:
    names = ["a", "b", "c", "d"]

    with pytest.raises(ValueError, match=message):
        category_only(np.zeros(4), names[:n_categories], names[:n_groups], n_folds=n_folds)
