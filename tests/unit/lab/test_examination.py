"""What thresholds, categories and bins are said to do, against slow loops."""

from pathlib import Path

import numpy as np
import pytest
from examinations import make_examination, make_trial

from suffice.lab.categories import measure_categories
from suffice.lab.metrics import PairedScores, Resamples
from suffice.lab.metrics.reliability import measure_reliability
from suffice.lab.operating import Costs, Evidence, measure_point
from suffice.lab.report.confusions import Mistake, find_confusions

RANDOM = np.random.default_rng(4)
N = 200
COMPLEXITY = RANDOM.uniform(0, 10, N).round(1)
SCORES = PairedScores((RANDOM.random(N) > 0.4).astype(float), (RANDOM.random(N) > 0.2).astype(float))
COSTS = Costs(small=RANDOM.uniform(0, 1, N), large=RANDOM.uniform(2, 9, N))
GROUPS = [str(index // 2) for index in range(N)]
RESAMPLES = Resamples.draw(GROUPS, n_resamples=30)


def test_a_point_is_what_a_loop_over_the_requests_finds() -> None:
    point = measure_point(6.0, COMPLEXITY, Evidence(resamples=RESAMPLES, scores=SCORES, costs=COSTS))

    large = [one > 6.0 for one in COMPLEXITY]
    taken = [SCORES.large[i] if up else SCORES.small[i] for i, up in enumerate(large)]
    spent = [COSTS.large[i] if up else COSTS.small[i] for i, up in enumerate(large)]
    assert point.share.estimate == pytest.approx(sum(large) / N)
    assert point.score is not None
    assert point.lost is not None
    assert point.recovered is not None
    assert point.cost is not None
    assert point.score.estimate == pytest.approx(sum(taken) / N)
    assert point.lost.estimate == pytest.approx(SCORES.large.mean() - sum(taken) / N)
    gained = sum(taken) / N - SCORES.small.mean()
    assert point.recovered.estimate == pytest.approx(gained / (SCORES.large.mean() - SCORES.small.mean()))
    assert point.cost.estimate == pytest.approx(sum(spent) / COSTS.large.sum())


def test_a_complexity_at_the_threshold_goes_to_the_small_model() -> None:
    at = float(COMPLEXITY[0])

    point = measure_point(at, COMPLEXITY, Evidence(resamples=RESAMPLES))

    assert point.share.estimate == pytest.approx((at < COMPLEXITY).mean())
    assert point.score is point.cost is None
    assert "score" not in point.document()


def test_without_a_gap_nothing_is_recovered() -> None:
    same = PairedScores(SCORES.small, SCORES.small)

    point = measure_point(5.0, COMPLEXITY, Evidence(resamples=RESAMPLES, scores=same))

    assert point.document()["recovered"] is None


def test_categories_are_what_a_loop_over_them_finds() -> None:
    categories = ["ab"[index // 2 % 2] if index else "alone" for index in range(N)]
    to_large = (COMPLEXITY > 5).astype(float)

    rows = measure_categories(categories, to_large, SCORES, RESAMPLES)

    assert [row.n for row in rows] == sorted((row.n for row in rows), reverse=True)
    for row in rows:
        inside = [index for index in range(N) if categories[index] == row.name]
        assert row.n == len(inside) == row.small.n
        assert row.small.n_groups == len({GROUPS[index] for index in inside})
        assert row.small.estimate == pytest.approx(SCORES.small[inside].mean())
        assert row.gain.estimate == pytest.approx(SCORES.uplift[inside].mean())
        assert row.share.estimate == pytest.approx(to_large[inside].mean())
        taken = np.where(to_large > 0, SCORES.large, SCORES.small)
        assert row.score.estimate == pytest.approx(taken[inside].mean())
    assert rows[-1].document()["small_ci"] is None


def test_bins_hold_what_a_loop_finds_in_them() -> None:
    p = np.append(RANDOM.random(N - 1), 1.0)
    ok = SCORES.small

    bins = measure_reliability(p, ok, bins=5)

    assert [one.index for one in bins] == [0, 1, 2, 3, 4]
    for one in bins:
        inside = [index for index in range(N) if min(int(p[index] * 5), 4) == one.index]
        assert one.n == len(inside)
        assert one.predicted == pytest.approx(p[inside].mean())
        assert one.observed == pytest.approx(ok[inside].mean())


def test_a_calibrated_predictor_is_mostly_within_the_band_and_another_one_is_not() -> None:
    p = RANDOM.random(4000)
    ok = (RANDOM.random(4000) < p).astype(float)

    calibrated = measure_reliability(p, ok)
    wrong = measure_reliability(p, 1 - ok)

    assert sum(one.is_off for one in calibrated) <= 3
    assert sum(one.is_off for one in wrong) >= 12


def test_confusions_are_those_where_complexity_and_outcome_disagree(tmp_path: Path) -> None:
    examination = make_examination(tmp_path)

    low = find_confusions(examination, Mistake.TOO_LOW)
    high = find_confusions(examination, Mistake.TOO_HIGH)

    assert all(case.large > case.small and case.complexity < 5 for case in low)
    assert all(case.large <= case.small and case.complexity > 5 for case in high)
    assert high[0].features[0][0] == "prove"
    assert high[0].features[0][1] > 0
    assert low[0].p_ok is not None


def test_near_duplicates_are_shown_once(tmp_path: Path) -> None:
    same = "prove that all of the rivers of the old islands are of one and the same length"
    trial = make_trial(prompts=dict.fromkeys(range(100), same))

    high = find_confusions(make_examination(tmp_path, trial), Mistake.TOO_HIGH)

    assert len([case for case in high if case.text == same]) <= 1
