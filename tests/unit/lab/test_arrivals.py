import numpy as np
import pytest

from suffice.lab.arrivals import poisson_times


def test_arrivals_come_at_the_stated_rate() -> None:
    times = poisson_times(20_000, 4.0, np.random.default_rng(1))

    assert times[-1] / 20_000 == pytest.approx(0.25, rel=0.03)


def test_gaps_are_exponential() -> None:
    gaps = np.diff(poisson_times(20_000, 4.0, np.random.default_rng(2)))

    # An exponential's standard deviation equals its mean, and e^-1 of it lies above the mean.
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)
    assert (gaps > gaps.mean()).mean() == pytest.approx(np.exp(-1), abs=0.015)


def test_one_seed_gives_one_series() -> None:
    first, second = (poisson_times(9, 1.0, np.random.default_rng(7)) for _ in range(2))

    assert first.tolist() == second.tolist()


@pytest.mark.parametrize(("n", "rate"), [(-1, 1.0), (1, 0.0), (1, -2.0), (1, float("nan")), (1, float("inf"))])
def test_rates_that_mean_nothing_are_refused(n: int, rate: float) -> None:
    with pytest.raises(ValueError, match="positive, finite rate"):
        poisson_times(n, rate, np.random.default_rng(0))
