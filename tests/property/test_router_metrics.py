"""What holds for the metrics of any router on any outcomes."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suffice.lab.metrics import (
    Floats,
    GainCurve,
    PairedOutcomes,
    PairedScores,
    Plan,
    Ranking,
    Resamples,
    auc,
    brier_score,
    evaluate,
    expected_calibration_error,
)

QUARTERS = st.integers(0, 4).map(lambda quarter: quarter / 4)
SHARES = st.floats(0, 1)


@dataclass(frozen=True)
class Case:
    complexity: Floats
    scores: PairedScores

    def curve(self, complexity: Floats | None = None, *, weights: Floats | None = None) -> GainCurve:
        return GainCurve.of(Ranking.of(self.complexity if complexity is None else complexity), self.scores, weights)

    def eleven(self, complexity: Floats | None = None, *, weights: Floats | None = None) -> GainCurve:
        ranking = Ranking.of(self.complexity if complexity is None else complexity)
        return GainCurve.of_eleven_points(ranking, self.scores, weights)

    def taken(self, prompts: list[int]) -> "Case":
        return Case(self.complexity[prompts], PairedScores(self.scores.small[prompts], self.scores.large[prompts]))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n = draw(st.integers(2, 30))
    columns = [draw(st.lists(element, min_size=n, max_size=n)) for element in (st.integers(-9, 9), QUARTERS, QUARTERS)]
    complexity, small, large = (np.array(column, dtype=np.float64) for column in columns)
    return Case(complexity, PairedScores(small, large))


def figures(curve: GainCurve) -> list[float]:
    return [curve.apgr(), curve.cpt(0.5), curve.cpt(0.8), curve.score_at(0.15)]


def weights_of(prompts: list[int], n: int) -> Floats:
    return np.bincount(prompts, minlength=n).astype(np.float64)


@given(case=cases())
def test_monotone_transforms_of_the_complexity_change_nothing(case: Case) -> None:
    stretched = np.exp(case.complexity / 3) - 100

    assert figures(case.curve(stretched)) == pytest.approx(figures(case.curve()), rel=0, abs=0, nan_ok=True)
    assert figures(case.eleven(stretched)) == pytest.approx(figures(case.eleven()), rel=0, abs=0, nan_ok=True)


@given(case=cases())
def test_reversing_the_complexity_mirrors_apgr_around_one_half(case: Case) -> None:
    assume(case.curve().gap > 0.01)

    assert case.curve(-case.complexity).apgr() == pytest.approx(1 - case.curve().apgr())


@given(case=cases())
def test_the_order_of_prompts_does_not_matter(case: Case) -> None:
    back = case.taken(list(range(case.complexity.size))[::-1])

    assert figures(back.curve()) == pytest.approx(figures(case.curve()), nan_ok=True)


@given(case=cases(), share=SHARES)
def test_no_router_beats_the_oracle_at_any_share(case: Case, share: float) -> None:
    best = case.curve(case.scores.uplift)

    assert case.curve().score_at(share) <= best.score_at(share) + 1e-12


@given(case=cases(), target=SHARES)
def test_the_share_of_a_cpt_recovers_its_target_and_no_smaller_one_does(case: Case, target: float) -> None:
    curve = case.curve()
    assume(curve.gap > 0.01)
    wanted = curve.score[0] + target * curve.gap

    share = curve.cpt(target)

    assert curve.score_at(share) >= wanted - 1e-9
    smaller = [score for at, score in zip(curve.share, curve.score, strict=True) if at < share - 1e-9]
    assert all(score < wanted for score in smaller)


@given(case=cases(), picks=st.data())
def test_multiplicities_are_the_same_as_real_resampling(case: Case, picks: st.DataObject) -> None:
    n = case.complexity.size
    prompts = picks.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=2 * n))
    weights, drawn = weights_of(prompts, n), case.taken(prompts)
    failed = (case.scores.small < 0.5).astype(np.float64)
    p = 1 / (1 + np.exp(case.complexity))

    assert figures(case.curve(weights=weights)) == pytest.approx(figures(drawn.curve()), nan_ok=True)
    assert figures(case.eleven(weights=weights)) == pytest.approx(figures(drawn.eleven()), nan_ok=True)
    assert auc(Ranking.of(case.complexity), failed, weights=weights) == pytest.approx(
        auc(Ranking.of(drawn.complexity), failed[prompts]), nan_ok=True
    )
    for metric in (expected_calibration_error, brier_score):
        assert metric(p, failed, weights=weights) == pytest.approx(metric(p[prompts], failed[prompts]))


@given(case=cases(), n_groups=st.integers(2, 6), seed=st.integers(0, 5))
def test_intervals_contain_their_estimate(case: Case, n_groups: int, seed: int) -> None:
    n = case.complexity.size
    outcomes = PairedOutcomes(scores=case.scores, groups=[str(index % n_groups) for index in range(n)])
    plan = Plan(n_resamples=20, seed=seed)

    evaluation = evaluate(case.complexity, 1 / (1 + np.exp(case.complexity)), outcomes, plan=plan)

    told = [evaluation.gain.apgr, evaluation.gain.cpt50, evaluation.gain.acc_at_15, evaluation.auc]
    assert evaluation.ece is not None
    assert evaluation.brier is not None
    for interval in (*told, evaluation.ece, evaluation.brier):
        # NaN bounds say that there is no interval.
        assert math.isnan(interval.low) or interval.low <= interval.estimate <= interval.high


@given(case=cases(), n_groups=st.integers(1, 6), seed=st.integers(0, 5))
def test_resampling_groups_by_index_is_the_same_as_by_multiplicity(case: Case, n_groups: int, seed: int) -> None:
    n = case.complexity.size
    resamples = Resamples.draw([str(index % n_groups) for index in range(n)], n_resamples=5, seed=seed)

    by_index = resamples.figure_by_index(lambda prompts: case.taken(prompts.tolist()).curve().apgr())
    by_multiplicity = resamples.figure(lambda weights: case.curve(weights=weights).apgr())

    assert by_index.resampled == pytest.approx(by_multiplicity.resampled, nan_ok=True)
