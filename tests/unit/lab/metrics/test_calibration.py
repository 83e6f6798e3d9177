import math
from collections.abc import Callable

import numpy as np
import pytest
from slow_metrics import auc_by_hand, ece_by_hand

from suffice.lab.metrics import (
    Floats,
    Ranking,
    auc,
    brier_score,
    expected_calibration_error,
    perfect_ece_quantile,
)

SEEDS = range(5)


def random_predictions(seed: int, n: int = 60) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.random(n), (rng.random(n) < 0.6).astype(np.float64)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_calibration_error_is_that_of_a_slow_loop_over_bins(seed: int) -> None:
    p, ok = random_predictions(seed)

    error = expected_calibration_error(p, ok)

    assert error == pytest.approx(ece_by_hand(p.tolist(), ok.tolist(), 15))


def test_certainty_belongs_to_the_last_bin() -> None:
    p = np.array([1.0, 0.99])

    error = expected_calibration_error(p, np.array([0.0, 1.0]))

    assert error == pytest.approx((1.0 + 0.99) / 2 - 0.5)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_brier_score_is_that_of_a_slow_loop(seed: int) -> None:
    p, ok = random_predictions(seed)

    score = brier_score(p, ok)

    by_hand = sum((one - other) ** 2 for one, other in zip(p.tolist(), ok.tolist(), strict=True)) / p.size
    assert score == pytest.approx(by_hand)


@pytest.mark.parametrize("seed", SEEDS)
def test_auc_is_the_share_of_pairs_in_the_right_order_with_ties_as_halves(seed: int) -> None:
    rng = np.random.default_rng(seed)
    complexity, positive = rng.integers(0, 6, 50).astype(float), (rng.random(50) < 0.4).astype(float)

    area = auc(Ranking.of(complexity), positive)

    assert area == pytest.approx(auc_by_hand(complexity.tolist(), positive.tolist()))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_alone_has_no_auc(value: float) -> None:
    assert math.isnan(auc(Ranking.of(np.arange(3.0)), np.full(3, value)))


@pytest.mark.parametrize("n", [270, 2000])
def test_the_quantile_of_a_perfect_predictor_is_that_of_a_slow_simulation(n: int) -> None:
    p = np.random.default_rng(1).beta(4, 2, n)
    rng = np.random.default_rng(2)
    errors = [expected_calibration_error(p, (rng.random(n) < p).astype(np.float64)) for _ in range(2000)]

    limit = perfect_ece_quantile(p, n_simulations=2000)

    # Two simulations of 2,000: the quantile's own standard error is below 1.5 % of it.
    assert limit == pytest.approx(np.quantile(errors, 0.95), rel=0.05)


def test_fewer_prompts_make_a_perfect_predictor_look_worse() -> None:
    p = np.random.default_rng(1).random(2000)

    few, many = perfect_ece_quantile(p[:270], level=0.5), perfect_ece_quantile(p, level=0.5)

    # Errors of bins shrink with the square root of n.
    assert few / many == pytest.approx(math.sqrt(2000 / 270), rel=0.1)


def test_certain_predictions_leave_nothing_to_chance() -> None:
    assert perfect_ece_quantile(np.array([0.0, 1.0, 1.0])) == 0.0


def test_equal_seeds_give_equal_quantiles_whatever_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.random.default_rng(1).random(50)

    whole = perfect_ece_quantile(p, n_simulations=101)
    monkeypatch.setattr("suffice.lab.metrics.calibration._DRAWS_AT_ONCE", 120)

    assert perfect_ece_quantile(p, n_simulations=101) == whole
    assert perfect_ece_quantile(p, n_simulations=101, seed=1) != whole


@pytest.mark.parametrize("metric", [expected_calibration_error, brier_score])
@pytest.mark.parametrize(
    ("p", "ok", "message"),
    [
        ([], [], "non-empty"),
        ([0.5], [1.0, 0.0], "equal"),
        ([0.5, 1.1], [1.0, 0.0], "1 of 2 probabilities"),
        ([0.5, math.nan], [1.0, 0.0], "1 of 2 probabilities"),
    ],
)
def test_what_is_no_probability_is_refused(
    metric: Callable[[Floats, Floats], float], p: list[float], ok: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        metric(np.array(p), np.array(ok))


def test_outcomes_of_other_prompts_are_refused() -> None:
    with pytest.raises(ValueError, match="2 complexities for 3 outcomes"):
        auc(Ranking.of(np.zeros(2)), np.zeros(3))
