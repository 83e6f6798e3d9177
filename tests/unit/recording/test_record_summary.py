import numpy as np
import pytest
from numpy.typing import NDArray

from suffice.recording.summary import N_RESAMPLES, SEED, estimate_ratio, estimate_share


def loop_interval(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> tuple[float, float]:
    """The bootstrap from its definition: draw clusters with replacement, take the ratio of sums."""
    rng = np.random.default_rng(SEED + 1)
    ratios: list[float] = []
    for _ in range(4 * N_RESAMPLES):
        drawn = [int(rng.integers(len(numerators))) for _ in numerators]
        ratios.append(sum(numerators[i] for i in drawn) / sum(denominators[i] for i in drawn))
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def test_the_interval_is_that_of_a_loop_over_drawn_clusters() -> None:
    rng = np.random.default_rng(5)
    denominators = rng.integers(1, 9, size=60).astype(np.float64)
    numerators = np.minimum(denominators, rng.integers(0, 5, size=60))

    estimate = estimate_ratio(numerators, denominators)

    low, high = loop_interval(numerators, denominators)
    assert estimate is not None
    assert estimate.value == pytest.approx(numerators.sum() / denominators.sum())
    assert estimate.low == pytest.approx(low, abs=0.02)
    assert estimate.high == pytest.approx(high, abs=0.02)
    assert estimate.n == denominators.sum()


def test_the_same_records_give_the_same_interval() -> None:
    numerators, denominators = np.array([1.0, 0.0, 2.0]), np.array([2.0, 2.0, 2.0])

    assert estimate_ratio(numerators, denominators) == estimate_ratio(numerators, denominators)


def test_requests_of_few_sessions_say_less_than_those_of_many() -> None:
    few = estimate_ratio(np.tile([100.0, 0.0], 5), np.full(10, 100.0))
    many = estimate_ratio(np.tile([1.0, 0.0], 500), np.full(1000, 1.0))

    assert few is not None
    assert many is not None
    assert few.low is not None
    assert many.low is not None
    assert few.n == many.n
    assert few.value - few.low > 5 * (many.value - many.low)


def test_nothing_to_divide_by_is_no_estimate() -> None:
    assert estimate_ratio(np.zeros(3), np.zeros(3)) is None


def test_one_session_has_no_interval() -> None:
    estimate = estimate_share(np.array([1.0]), np.array([4.0]))

    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == (0.25, None, None)


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, 0.0, 0.03), (1.0, 0.97, 1.0)])
def test_a_share_of_none_or_all_is_not_taken_for_certain(value: float, low: float, high: float) -> None:
    estimate = estimate_share(np.full(100, value), np.ones(100))

    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((value, low, high))
