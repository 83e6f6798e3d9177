import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.errors import BundleError, DatasetError
from suffice.estimators.bundle import Manifest
from suffice.lab.calibrate import (
    Aim,
    Choices,
    Cost,
    LargeShare,
    Quality,
    Sample,
    calibrate,
    set_threshold,
)
from suffice.lab.metrics import PairedScores, Plan
from suffice.lab.operating import Costs

COMPLEXITY = np.array([1.0, 2.0, 2.0, 5.0, 9.0])
SCORES = PairedScores(np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0, 1.0]))
COSTS = Costs(small=np.full(5, 1.0), large=np.full(5, 10.0))
RANDOM = np.random.default_rng(2)
N = 400

complexities = st.lists(st.sampled_from([0.0, 0.1, 2.0, 2.5, 4.9999, 5.0, 7.25, 10.0]), min_size=1, max_size=30)


def make_choices() -> Choices:
    return Choices.of(COMPLEXITY, SCORES, COSTS)


def make_sample(n: int = N, seed: int = 2) -> Sample:
    rng = np.random.default_rng(seed)
    complexity = rng.uniform(0, 10, n)
    scores = PairedScores(
        (rng.random(n) > complexity / 10).astype(float), (rng.random(n) > complexity / 30).astype(float)
    )
    costs = Costs(small=np.full(n, 1.0), large=np.full(n, 10.0))
    return Sample(complexity=complexity, groups=[str(i // 2) for i in range(n)], scores=scores, costs=costs)


def test_each_threshold_is_what_it_does_to_the_requests() -> None:
    choices = make_choices()

    assert choices.share.tolist() == pytest.approx([1.0, 0.8, 0.4, 0.2, 0.0])
    assert choices.recovered is not None
    assert choices.recovered.tolist() == pytest.approx([1.0, 1.0, 0.5, 0.5, 0.0])
    assert choices.cost is not None
    assert choices.cost.tolist() == pytest.approx([1.0, 0.82, 0.46, 0.28, 0.1])


@pytest.mark.parametrize(
    ("aim", "threshold"),
    [
        (LargeShare(0.4), 4.0),
        (LargeShare(0.39), 7.0),
        (LargeShare(1.0), 0.0),
        (LargeShare(0.0), 10.0),
        (Cost(0.3), 7.0),
        (Cost(0.46), 4.0),
        (Cost(1.0), 0.0),
        (Quality(0.5), 7.0),
        (Quality(0.51), 1.5),
        (Quality(1.0), 1.5),
        (Quality(0.0), 10.0),
    ],
)
def test_an_aim_takes_the_threshold_that_just_fulfils_it(aim: Aim, threshold: float) -> None:
    choices = make_choices()

    index = aim.choose(choices)

    number = choices.number(index)
    assert (number < COMPLEXITY).tolist() == (threshold < COMPLEXITY).tolist()


@given(values=complexities)
def test_the_number_written_is_the_threshold_chosen(values: list[float]) -> None:
    complexity = np.array(values)
    choices = Choices.of(complexity)

    for index, share in enumerate(choices.share):
        number = choices.number(index)
        assert 0.0 <= number <= 10.0
        assert (complexity > number).mean() == pytest.approx(share)


@given(values=complexities, target=st.floats(0, 1))
def test_a_share_is_kept_whatever_the_complexities(values: list[float], target: float) -> None:
    complexity = np.array(values)
    choices = Choices.of(complexity)

    number = choices.number(LargeShare(target).choose(choices))

    assert (complexity > number).mean() <= target + 1e-9


def test_numbers_are_as_short_as_can_be() -> None:
    assert Choices.of(np.array([4.1234, 4.8765])).number(1) == 4.5


def test_a_bill_that_is_out_of_reach_says_what_is_in_reach() -> None:
    with pytest.raises(DatasetError, match=r"the small model alone costs 10\.0% of it"):
        Cost(0.05).choose(make_choices())


def test_without_a_gap_there_is_no_quality_to_aim_at() -> None:
    choices = Choices.of(COMPLEXITY, PairedScores(SCORES.large, SCORES.small))

    with pytest.raises(DatasetError, match="the large model gains nothing"):
        Quality(0.9).choose(choices)


def test_where_requests_of_complexity_0_stay_below_the_most_that_is_recovered_is_told() -> None:
    choices = Choices.of(np.array([0.0, 0.0, 5.0]), PairedScores(np.zeros(3), np.ones(3)))

    with pytest.raises(DatasetError, match=r"the most is 33\.3%"):
        Quality(0.9).choose(choices)


def test_nothing_costs_nothing() -> None:
    choices = Choices.of(COMPLEXITY, SCORES, Costs(small=np.zeros(5), large=np.zeros(5)))

    with pytest.raises(DatasetError, match="bill is 0"):
        Cost(0.5).choose(choices)


@pytest.mark.parametrize("aim", [LargeShare(0.15), Cost(0.3), Quality(0.9)])
def test_the_aim_is_achieved_here_and_about_so_on_requests_that_did_not_choose(aim: Aim) -> None:
    calibration = calibrate(make_sample(), aim, Plan(n_resamples=50))

    assert calibration.held_out is not None
    for point in (calibration.here, calibration.held_out):
        figure = {"large-share": point.share, "cost": point.cost, "quality": point.recovered}[aim.kind]
        assert figure is not None
        assert figure.low < figure.estimate < figure.high
        assert figure.estimate == pytest.approx(aim.target, abs=0.06)
    assert math.isnan(calibration.held_out.threshold)


@pytest.mark.parametrize(("n", "n_groups"), [(19, 19), (100, 4)])
def test_too_few_requests_are_refused(n: int, n_groups: int) -> None:
    sample = Sample(complexity=RANDOM.random(n), groups=[str(index % n_groups) for index in range(n)])

    with pytest.raises(DatasetError, match=f"{n} queries in {n_groups} groups are too few"):
        calibrate(sample, LargeShare(0.5), Plan(n_resamples=5))


def make_manifest(**thresholds: float) -> Manifest:
    return Manifest(kind="lexical", models=("a", "b"), created="2026-11-23", thresholds=thresholds)


def test_a_threshold_is_set_beside_the_others() -> None:
    manifest = set_threshold(make_manifest(quality=2.0, cheap=8.0), "balanced", 5.0)

    assert dict(manifest.thresholds) == {"quality": 2.0, "balanced": 5.0, "cheap": 8.0}


@pytest.mark.parametrize(
    ("name", "threshold", "message"),
    [
        ("balanced", 1.0, "balanced would be 1, below quality, which is 2.*calibrate quality first.*sends more to"),
        ("balanced", 9.0, "balanced would be 9, above cheap, which is 8.*calibrate cheap first.*sends less to"),
        ("quality", 8.5, "above cheap"),
        ("cheap", 1.5, "below quality"),
    ],
)
def test_thresholds_may_not_cross(name: str, threshold: float, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        set_threshold(make_manifest(quality=2.0, cheap=8.0), name, threshold)
