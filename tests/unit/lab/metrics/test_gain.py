import math
from fractions import Fraction

import numpy as np
import pytest
from slow_metrics import (
    apgr_by_hand,
    cpt_by_hand,
    curve_by_hand,
    eleven_points_by_hand,
    random_pairs,
    score_by_hand,
)

from suffice.lab.metrics import GainCurve, PairedScores, Ranking

SEEDS = range(8)
LARGE_GAINS_NOTHING = ([1.0, 2.0], [1.0, 0.0], [0.0, 1.0])
LARGE_LOSES = ([1.0, 2.0], [1.0, 0.5], [0.0, 0.5])


def make_curve(complexity: list[float], small: list[float], large: list[float]) -> GainCurve:
    return GainCurve.of(Ranking.of(np.array(complexity)), PairedScores(np.array(small), np.array(large)))


def make_eleven(complexity: list[float], small: list[float], large: list[float]) -> GainCurve:
    return GainCurve.of_eleven_points(Ranking.of(np.array(complexity)), PairedScores(np.array(small), np.array(large)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_curve_is_that_of_one_prompt_after_another(seed: int) -> None:
    pairs = random_pairs(seed)

    curve = make_curve(*pairs)

    by_hand = curve_by_hand(*pairs)
    assert curve.share == pytest.approx([float(share) for share, _ in by_hand])
    assert curve.score == pytest.approx([float(score) for _, score in by_hand])


@pytest.mark.parametrize("seed", SEEDS)
def test_apgr_is_the_area_of_a_slow_loop(seed: int) -> None:
    pairs = random_pairs(seed)

    apgr = make_curve(*pairs).apgr()

    assert apgr == pytest.approx(apgr_by_hand(curve_by_hand(*pairs)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("target", [Fraction(0), Fraction(1, 5), Fraction(1, 2), Fraction(4, 5), Fraction(1)], ids=str)
def test_cpt_is_the_first_place_where_a_walk_from_the_left_meets_the_target(seed: int, target: Fraction) -> None:
    pairs = random_pairs(seed)

    share = make_curve(*pairs).cpt(float(target))

    assert share == pytest.approx(cpt_by_hand(curve_by_hand(*pairs), target))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.0, 0.15, 0.5, 1.0])
def test_the_score_at_a_share_is_that_of_a_slow_loop(seed: int, share: float) -> None:
    pairs = random_pairs(seed)

    score = make_curve(*pairs).score_at(share)

    assert score == pytest.approx(score_by_hand(curve_by_hand(*pairs), share))


@pytest.mark.parametrize("n", [11, 40, 101])
@pytest.mark.parametrize("seed", SEEDS)
def test_eleven_points_are_those_of_routellms_procedure(seed: int, n: int) -> None:
    pairs = random_pairs(seed, n)

    curve = make_eleven(*pairs)

    by_hand = eleven_points_by_hand(*pairs)
    assert curve.share == pytest.approx([float(share) for share, _ in by_hand])
    assert curve.score == pytest.approx([float(score) for _, score in by_hand])
    assert curve.apgr() == pytest.approx(apgr_by_hand(by_hand))


def test_eleven_points_smooth_over_what_happens_between_them() -> None:
    complexity = np.arange(100.0)
    pairs = complexity.tolist(), [0.0] * 100, (complexity >= 95).astype(float).tolist()

    exact, eleven = make_curve(*pairs), make_eleven(*pairs)

    assert exact.apgr() == pytest.approx(0.975)
    assert eleven.apgr() == pytest.approx(0.95)


@pytest.mark.parametrize("seed", SEEDS)
def test_equals_go_in_random_order(seed: int) -> None:
    complexity, small, large = random_pairs(seed, 12)
    rng = np.random.default_rng(seed)
    broken: list[float] = []
    for _ in range(2000):
        ties = [one + jitter for one, jitter in zip(complexity, rng.random(12) / 2, strict=True)]
        broken.append(make_curve(ties, small, large).apgr())

    expected = make_curve(complexity, small, large).apgr()

    assert expected == pytest.approx(np.mean(broken), abs=5 * float(np.std(broken)) / math.sqrt(2000) + 1e-12)


def test_a_router_that_knows_nothing_recovers_the_share_it_sends() -> None:
    _, small, large = random_pairs(1)

    curve = make_curve([3.0] * 40, small, large)

    assert (curve.apgr(), curve.cpt(0.5), curve.cpt(0.8)) == pytest.approx((0.5, 0.5, 0.8))


def test_the_true_order_beats_the_large_model_where_that_loses_prompts() -> None:
    small, large = [0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 0.0]

    curve = make_curve([1.0, 1.0, 1.0, -1.0], small, large)

    assert curve.score_at(0.75) == 1.0
    assert curve.recovered().max() == pytest.approx(1.5)


def test_cpt_takes_the_first_crossing_where_the_curve_falls_again() -> None:
    small, large = [0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0]

    share = make_curve([4.0, 3.0, 2.0, 1.0], small, large).cpt(0.5)

    assert share == pytest.approx(0.25)


def test_a_target_met_exactly_is_met_in_spite_of_rounding() -> None:
    # The first prompt gains half of the gap of 1.6, less the last bit; the next two lose it all.
    small, large = [0.0, 0.1, 0.7, 0.0, 0.0, 0.0], [0.8, 0.0, 0.0, 0.3, 1.0, 0.3]

    share = make_curve([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], small, large).cpt(0.5)

    assert share == pytest.approx(1 / 6)


@pytest.mark.parametrize("pairs", [LARGE_GAINS_NOTHING, LARGE_LOSES], ids=["none", "negative"])
def test_without_a_gap_there_is_nothing_to_recover(pairs: tuple[list[float], list[float], list[float]]) -> None:
    curve = make_curve(*pairs)

    assert math.isnan(curve.apgr())
    assert math.isnan(curve.cpt(0.5))
    assert not math.isnan(curve.score_at(0.15))


def test_a_gap_of_rounding_errors_is_none() -> None:
    curve = make_curve([1.0, 2.0, 3.0], [0.1, 0.2, 0.3], [0.3, 0.1, 0.2])

    assert math.isnan(curve.apgr())


@pytest.mark.parametrize(
    ("small", "large", "message"),
    [
        ([], [], "non-empty"),
        ([0.0], [0.0, 1.0], "equal"),
        ([math.nan, 0.0], [0.0, 1.0], "1 of 2 scores of the small model"),
        ([0.0, 0.0], [1.5, -1.0], "2 of 2 scores of the large model"),
    ],
)
def test_scores_that_are_none_are_refused(small: list[float], large: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairedScores(np.array(small), np.array(large))


@pytest.mark.parametrize(("complexity", "message"), [([], "one prompt at least"), ([1.0, math.nan], "1 of 2")])
def test_complexities_that_cannot_be_ranked_are_refused(complexity: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ranking.of(np.array(complexity))


def test_infinite_complexities_are_ranked_like_others() -> None:
    pairs = [-math.inf, 0.0, math.inf, math.inf], [0.0] * 4, [0.0, 1.0, 1.0, 1.0]

    assert make_curve(*pairs).apgr() == pytest.approx(make_curve([1.0, 2.0, 3.0, 3.0], *pairs[1:]).apgr())
    assert make_eleven(*pairs).apgr() == pytest.approx(make_eleven([1.0, 2.0, 3.0, 3.0], *pairs[1:]).apgr())


def test_a_ranking_of_other_prompts_is_refused() -> None:
    with pytest.raises(ValueError, match="2 complexities for 3 scores"):
        GainCurve.of(Ranking.of(np.zeros(2)), PairedScores(np.zeros(3), np.ones(3)))
