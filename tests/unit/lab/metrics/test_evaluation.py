import json
import math

import numpy as np
import pytest

from suffice.lab.metrics import (
    Evaluation,
    Floats,
    GainCurve,
    PairedOutcomes,
    PairedScores,
    Plan,
    Ranking,
    auc,
    evaluate,
)

N = 300
FEW = Plan(n_resamples=60)
KEYS = {"n", "apgr", "apgr_ci", "cpt50", "cpt80", "auc", "ece", "acc_at_15", "controls"}
RANDOM = np.random.default_rng(8)
HARDNESS = RANDOM.random(N)
SMALL = (RANDOM.random(N) > HARDNESS).astype(np.float64)
LARGE = (RANDOM.random(N) > HARDNESS / 3).astype(np.float64)
GROUPS = [str(index // 2) for index in range(N)]


def make_outcomes(small: Floats = SMALL, large: Floats = LARGE, groups: list[str] | None = None) -> PairedOutcomes:
    return PairedOutcomes(
        scores=PairedScores(small, large),
        groups=groups or GROUPS,
        categories=["hard" if one > 0.5 else "easy" for one in HARDNESS],
        prompts=["why " * (index % 7) for index in range(N)],
    )


def make_evaluation(plan: Plan = FEW) -> Evaluation:
    return evaluate(HARDNESS, 1 - HARDNESS, make_outcomes(), baselines={"exemplars": -HARDNESS}, plan=plan)


def test_every_agreed_key_is_in_the_json() -> None:
    evaluation = make_evaluation()

    document = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))

    assert document.keys() >= KEYS
    assert document["n"] == N
    assert document["n_groups"] == N // 2
    assert document["apgr_ci"][0] <= document["apgr"] <= document["apgr_ci"][1]
    assert document["undefined"] == {}


def test_all_controls_stand_beside_the_router() -> None:
    document = json.loads(json.dumps(make_evaluation().to_json()))

    assert list(document["controls"]) == [
        "always-small", "always-large", "shuffled", "length", "category-only", "exemplars", "oracle",
    ]  # fmt: skip
    assert document["controls"]["always-small"]["acc"] == pytest.approx(SMALL.mean())
    assert document["controls"]["always-large"]["acc"] == pytest.approx(LARGE.mean())
    assert document["controls"]["shuffled"]["apgr"] == pytest.approx(0.5)
    assert document["controls"]["oracle"]["apgr"] > document["apgr"]


def test_figures_are_those_of_the_metrics() -> None:
    curve = GainCurve.of(Ranking.of(HARDNESS), PairedScores(SMALL, LARGE))

    evaluation = make_evaluation()

    gain = evaluation.gain
    assert [gain.apgr.estimate, gain.cpt50.estimate, gain.cpt80.estimate, gain.acc_at_15.estimate] == pytest.approx(
        [curve.apgr(), curve.cpt(0.5), curve.cpt(0.8), curve.score_at(0.15)]
    )
    assert evaluation.auc.estimate == pytest.approx(auc(Ranking.of(HARDNESS), 1 - SMALL))


def test_differences_from_a_control_are_paired() -> None:
    reversed_router = make_evaluation().controls["exemplars"]

    difference = reversed_router.difference.apgr

    assert difference.estimate == pytest.approx(1 - 2 * reversed_router.figures.apgr.estimate)
    assert difference.low > 0


def test_controls_that_need_more_than_scores_are_left_out_without_it() -> None:
    bare = PairedOutcomes(scores=PairedScores(SMALL, LARGE), groups=GROUPS)

    evaluation = evaluate(HARDNESS, None, bare, plan=FEW)

    assert list(evaluation.controls) == ["shuffled", "oracle"]


def test_without_p_ok_the_auc_is_that_of_complexity() -> None:
    document = evaluate(HARDNESS, None, make_outcomes(), plan=FEW).to_json()

    assert document["auc"] == pytest.approx(auc(Ranking.of(HARDNESS), 1 - SMALL))
    assert (document["ece"], document["brier"], document["ece_of_perfect"]) == (None, None, None)
    assert document["auc_of"] == "complexity"


def test_p_ok_decides_the_auc_where_it_is_given() -> None:
    document = evaluate(HARDNESS, HARDNESS, make_outcomes(), plan=FEW).to_json()

    assert document["auc"] == pytest.approx(auc(Ranking.of(-HARDNESS), 1 - SMALL))
    assert document["auc_of"] == "p_ok"


def test_a_small_score_below_one_half_is_a_failure() -> None:
    small = np.where(SMALL > 0, 0.5, 0.49)

    evaluation = evaluate(HARDNESS, 1 - HARDNESS, make_outcomes(small), plan=FEW)

    assert evaluation.auc.estimate == make_evaluation().auc.estimate
    assert evaluation.ece == make_evaluation().ece


def test_a_calibrated_predictor_is_within_what_perfect_ones_show() -> None:
    evaluation = make_evaluation()

    assert evaluation.ece is not None
    assert evaluation.ece_of_perfect is not None
    assert 0 < evaluation.ece.estimate < evaluation.ece_of_perfect < 0.2


def test_the_interval_of_the_ece_makes_up_for_its_bias() -> None:
    ece = make_evaluation().ece

    assert ece is not None
    assert ece.estimate - ece.low > ece.high - ece.estimate


def test_eleven_points_are_told_as_such() -> None:
    curve = GainCurve.of_eleven_points(Ranking.of(HARDNESS), PairedScores(SMALL, LARGE))

    document = make_evaluation(Plan(n_resamples=20, eleven_points=True)).to_json()

    assert document["thresholds"] == 11
    assert document["apgr"] == pytest.approx(curve.apgr())


def test_a_large_model_that_gains_nothing_is_told_with_the_reason() -> None:
    document = evaluate(HARDNESS, None, make_outcomes(LARGE, SMALL), plan=FEW).to_json()

    assert document["apgr"] is None
    assert document["apgr_ci"] is None
    assert document["acc_at_15"] is not None
    assert "gains nothing" in str(document["undefined"])


def test_a_gain_that_may_be_none_has_no_interval_and_says_why() -> None:
    large = SMALL.copy()
    large[0] = 1 - large[0]
    small = SMALL.copy()
    small[0] = 0.0
    large[0] = 1.0

    document = evaluate(HARDNESS, None, make_outcomes(small, large), plan=FEW).to_json()

    assert document["apgr"] is not None
    assert document["apgr_ci"] is None
    assert "vanishes in too many resamples" in str(document["undefined"])


@pytest.mark.parametrize(("score", "which"), [(1.0, "never"), (0.0, "always")])
def test_a_small_model_of_one_class_has_no_auc_and_says_why(score: float, which: str) -> None:
    document = evaluate(HARDNESS, None, make_outcomes(np.full(N, score), np.ones(N)), plan=FEW).to_json()

    assert document["auc"] is None
    assert f"{which} fails" in str(document["undefined"])


def test_one_group_has_figures_and_no_intervals() -> None:
    outcomes = PairedOutcomes(scores=PairedScores(SMALL, LARGE), groups=["same"] * N)

    document = evaluate(HARDNESS, None, outcomes, plan=FEW).to_json()

    assert document["apgr"] is not None
    assert document["apgr_ci"] is None
    assert "one group" in str(document["undefined"])


def test_equal_plans_give_equal_evaluations() -> None:
    one, same, other = (make_evaluation(Plan(n_resamples=30, seed=seed)) for seed in (1, 1, 2))

    assert one == same
    assert one.gain.apgr != other.gain.apgr


def test_a_wider_level_gives_a_wider_interval() -> None:
    narrow, wide = (make_evaluation(Plan(n_resamples=200, level=level)).gain.apgr for level in (0.5, 0.95))

    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("name", ["groups", "categories", "prompts"])
def test_what_belongs_to_other_prompts_is_refused(name: str) -> None:
    given = {"groups": ["a", "b"], name: ["x"]}

    with pytest.raises(ValueError, match=f"2 pairs of scores.*'{name}': 1"):
        PairedOutcomes(
            scores=PairedScores(np.zeros(2), np.ones(2)),
            groups=given["groups"],
            categories=given.get("categories"),
            prompts=given.get("prompts"),
        )


def test_complexities_of_other_prompts_are_refused() -> None:
    with pytest.raises(ValueError, match="2 complexities for 300 scores"):
        evaluate(np.zeros(2), None, make_outcomes(), plan=FEW)


def test_nan_complexities_are_refused() -> None:
    with pytest.raises(ValueError, match="300 of 300 complexities are NaN"):
        evaluate(np.full(N, math.nan), None, make_outcomes(), plan=FEW)
