from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_examples import LAYOUT, draw_examples

from suffice.lab.dataset import mark_test
from suffice.lab.train import curve as curves
from suffice.lab.train.curve import CurvePoint, draw_groups, learning_curve, rate_gain
from suffice.lab.train.examples import Examples
from suffice.lab.train.training import Fitted, TrainPlan, train_on
from suffice.testing import bundles

PLAN = TrainPlan(layout=LAYOUT)


def test_sizes_beyond_the_pool_are_left_out_and_all_of_it_comes_last() -> None:
    points = learning_curve(draw_examples(100), PLAN, sizes=(20, 50, 500), n_repeats=2)

    assert [point.n for point in points] == [20, 50, points[-1].n]
    assert [len(point.apgr) for point in points] == [2, 2, 1]
    assert {point.n + points[-1].n_test for point in points[-1:]} == {100}
    assert points[0].n_test == pytest.approx(30, abs=1)
    assert not any(point.warm for point in points)


def test_more_outcomes_say_more() -> None:
    few, many = learning_curve(draw_examples(300), PLAN, sizes=(12,), n_repeats=4)

    assert many.mean > few.mean + 0.03
    assert few.spread > 0.0


def test_what_is_measured_on_is_never_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = draw_examples(60)
    tested = np.asarray(examples.groups)[mark_test(examples.groups, 0.3, seed=0)]
    trained: list[set[str]] = []

    def spy(some: Examples, plan: TrainPlan, **options: Any) -> Fitted:
        trained.append(set(some.groups))
        return train_on(some, plan, **options)

    monkeypatch.setattr(curves, "train_on", spy)
    learning_curve(examples, PLAN, sizes=(20,), n_repeats=2)

    assert len(trained) == 3
    assert not {group for groups in trained for group in groups} & set(tested.tolist())


def test_a_warm_start_is_measured_beside_the_cold_one(tmp_path: Path) -> None:
    prior = bundles.write_bundle(tmp_path / "prior", {"prove": 2.0, "list": -2.0})
    plan = TrainPlan(layout=bundles.LAYOUT)
    told: list[int] = []

    def track(steps: Sequence[int]) -> Sequence[int]:
        told.extend(steps)
        return steps

    points = learning_curve(draw_examples(100), plan, sizes=(15,), n_repeats=2, warm_start=prior, track=track)

    assert [(point.n, point.warm) for point in points] == [(15, False), (15, True), (70, False), (70, True)]
    assert points[1].mean > points[0].mean
    assert told == [0, 1, 2, 3]


def test_draws_that_cannot_be_parted_into_folds_are_left_out() -> None:
    examples = draw_examples(100)
    examples = replace(examples, groups=[f"g{index % 8}" for index in range(100)])

    first, last = learning_curve(examples, PLAN, sizes=(20,), n_repeats=2)

    assert first.apgr == ()
    assert isnan(first.mean)
    assert isnan(first.spread)
    assert len(last.apgr) == 1


def test_without_a_gap_on_the_test_prompts_there_is_no_figure() -> None:
    examples = draw_examples(60)
    examples.scores[:, 1] = np.where(np.arange(60) % 2, examples.scores[:, 0], 0.0)

    (point,) = learning_curve(examples, PLAN, sizes=())

    assert isnan(point.mean)


def test_mean_and_spread_are_over_the_draws() -> None:
    point = CurvePoint(n=50, n_test=30, warm=False, apgr=(0.5, 0.6, 0.7))

    assert point.mean == pytest.approx(0.6)
    assert point.spread == pytest.approx(0.1)
    assert isnan(CurvePoint(n=50, n_test=30, warm=False, apgr=(0.5,)).spread)


def test_groups_are_drawn_whole_and_the_last_may_be_cut() -> None:
    groups = [f"g{index % 7}" for index in range(70)]

    rows = draw_groups(groups, 35, seed=3)

    drawn: list[int] = rows.tolist()
    assert sorted(Counter(groups[row] for row in drawn).values()) == [5, 10, 10, 10]
    assert drawn == sorted(set(drawn))


def test_a_larger_draw_holds_the_smaller_one_of_its_seed() -> None:
    groups = [f"g{index}" for index in range(40)]

    draws = [set(draw_groups(groups, size, seed=5).tolist()) for size in (10, 20)]

    assert draws[0] < draws[1]
    assert draws[0] != set(draw_groups(groups, 10, seed=6).tolist())


def test_gains_are_rated_as_they_are_served() -> None:
    trained = train_on(draw_examples(60), PLAN).trained

    hard, easy = rate_gain(trained, ["prove knots", "list knots"])

    assert hard > easy
