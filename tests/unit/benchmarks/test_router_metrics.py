import importlib.util
import math
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FILE = Path(__file__).parents[3] / "benchmarks" / "router_metrics.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("router_metrics", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


metrics = load()


def make_outcomes(small: list[float], large: list[float], groups: list[str] | None = None) -> Any:
    weights = np.ones((1, len(small))) if groups is None else metrics.resample(groups)
    return metrics.Outcomes(np.array(small), np.array(large), weights)


def area_by_hand(scores: list[float], small: list[float], large: list[float]) -> float:
    """One prompt after another goes to the large model, hardest first; trapezoids between the steps."""
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    right, gap = sum(small), sum(large) - sum(small)
    area, before = 0.0, 0.0
    for index in order:
        right += large[index] - small[index]
        after = (right - sum(small)) / gap
        area += (before + after) / 2 / len(scores)
        before = after
    return area


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_a_slow_loop_over_all_thresholds(seed: int) -> None:
    rng = random.Random(seed)
    scores = rng.sample(range(100), 30)
    small, large = ([float(rng.random() < p) for _ in scores] for p in (0.3, 0.8))

    area = metrics.area_under_gain(np.array(scores, dtype=float), make_outcomes(small, large))

    assert area[0] == pytest.approx(area_by_hand([float(score) for score in scores], small, large))


def test_equal_scores_are_chance() -> None:
    area = metrics.area_under_gain(np.zeros(4), make_outcomes([0, 1, 0, 0], [1, 1, 0, 1]))

    assert area[0] == pytest.approx(0.5)


def test_without_any_gain_there_is_no_area() -> None:
    area = metrics.area_under_gain(np.arange(2.0), make_outcomes([1, 0], [0, 1]))

    assert math.isnan(area[0])


def test_shuffling_a_share_of_the_prompts_recovers_that_share_of_the_gap() -> None:
    outcomes = make_outcomes([0, 0, 0, 1], [1, 1, 1, 1])

    right = metrics.shuffled(np.array([True, False, False, True]))(outcomes)

    assert right[0] == pytest.approx(0.25 + 0.5 * 0.75)


def test_whole_groups_are_resampled() -> None:
    weights = metrics.resample(["a", "b", "a", "c"])

    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert weights[0].tolist() == [1, 1, 1, 1]


def test_equal_seeds_give_equal_intervals() -> None:
    groups = [str(index // 2) for index in range(40)]

    one, other = (
        metrics.estimate(metrics.mean_of(np.arange(40.0))(make_outcomes([0.0] * 40, [1.0] * 40, groups))) for _ in "ab"
    )

    assert one == other
    assert one.low < 19.5 < one.high
