from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examinations import make_trial

from suffice.lab.intervals import Interval
from suffice.lab.metrics import GainCurve, Plan, Ranking
from suffice.lab.promotion import Compared, Comparison, compare
from suffice.lab.rating import rate_all
from suffice.testing.bundles import write_bundle

PLAN = Plan(n_resamples=40)
GOOD = {"prove": 2.0, "list": -2.0}


def interval(estimate: float, half: float) -> Interval:
    return Interval(estimate=estimate, low=estimate - half, high=estimate + half, n=100, n_groups=100)


def make_comparison(folder: Path, **differences: tuple[float, float]) -> Comparison:
    """A comparison with these differences, each with half the width of its interval."""
    bundle, other = write_bundle(folder / "a", GOOD), write_bundle(folder / "b", {"prove": 1.0})
    figures = {
        name: Compared(candidate=interval(0.5, 0.1), in_force=interval(0.5, 0.1), difference=interval(*difference))
        for name, difference in differences.items()
    }
    return Comparison(candidate=bundle, in_force=other, trial=make_trial(), figures=figures)


@pytest.mark.parametrize(
    ("differences", "refused"),
    [
        ({"apgr": (0.02, 0.01)}, False),
        ({"apgr": (-0.009, 0.03)}, False),
        ({"apgr": (-0.011, 0.03)}, True),
        ({"apgr": (-0.003, 0.001)}, True),
        ({"apgr": (0.02, 0.01), "brier": (0.003, 0.001)}, False),
        ({"apgr": (0.02, 0.01), "brier": (0.011, 0.02)}, True),
        ({"apgr": (0.0, 0.01), "brier": (-0.2, 0.01), "ece": (0.3, 0.01)}, False),
        ({"apgr": (float("nan"), 0.0)}, True),
    ],
)
def test_a_candidate_is_refused_where_it_is_worse_for_sure_or_by_much(
    tmp_path: Path, differences: dict[str, Any], *, refused: bool
) -> None:
    comparison = make_comparison(tmp_path, **differences)

    assert bool(comparison.faults) is refused


def test_both_bundles_are_measured_on_the_same_resamples(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "a", GOOD)
    trial = make_trial()

    comparison = compare(bundle, bundle, trial, PLAN)

    assert comparison.faults == []
    for compared in comparison.figures.values():
        assert compared.candidate == compared.in_force
        assert compared.difference is not None
        assert (compared.difference.low, compared.difference.high) == (0.0, 0.0)
    curve = GainCurve.of(Ranking.of(rate_all(bundle, trial.requests).complexity), trial.outcomes.scores)
    assert comparison.figures["apgr"].candidate.estimate == pytest.approx(curve.apgr())


def test_a_candidate_that_does_not_know_the_small_model_has_no_probabilities(tmp_path: Path) -> None:
    comparison = compare(write_bundle(tmp_path / "a", GOOD, models=("x", "large")), None, make_trial(), PLAN)

    assert list(comparison.figures) == ["apgr"]
    assert comparison.faults == ["it was trained for x, large, not for small"]
    assert not np.isnan(comparison.figures["apgr"].candidate.low)
