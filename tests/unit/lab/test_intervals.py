import numpy as np
import pytest

from suffice.lab.intervals import mean_interval


def test_the_estimate_is_the_mean_and_lies_inside() -> None:
    values = np.array([1.0] * 70 + [0.0] * 30)

    interval = mean_interval(values, [str(index) for index in range(100)])

    assert interval.estimate == pytest.approx(0.7)
    assert interval.low < 0.7 < interval.high
    assert (interval.n, interval.n_groups) == (100, 100)


def test_with_single_observations_the_width_is_the_normal_one() -> None:
    values = np.array([1.0] * 500 + [0.0] * 500)

    interval = mean_interval(values, [str(index) for index in range(1000)], seed=3)

    assert interval.high - interval.low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 1000), rel=0.06)


def test_equal_answers_in_a_group_widen_the_interval() -> None:
    values = np.tile([1.0, 0.0], 50)
    pairs = [str(index % 2 + 2 * (index // 10)) for index in range(100)]

    alone = mean_interval(values, [str(index) for index in range(100)])
    grouped = mean_interval(values, pairs)

    assert grouped.n_groups == 20
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_it_agrees_with_a_slow_loop_over_resampled_groups() -> None:
    rng = np.random.default_rng(5)
    values = rng.random(30)
    groups = [str(group) for group in rng.integers(0, 8, 30)]
    names = sorted(set(groups))
    members = [[value for value, group in zip(values, groups, strict=True) if group == name] for name in names]
    means: list[float] = []
    for picks in np.random.default_rng(11).integers(0, len(names), size=(500, len(names))):
        drawn = [value for pick in picks for value in members[pick]]
        means.append(sum(drawn) / len(drawn))

    interval = mean_interval(values, groups, n_resamples=500, seed=11, level=0.9)

    assert [interval.low, interval.high] == pytest.approx(np.quantile(means, [0.05, 0.95]).tolist())


@pytest.mark.parametrize(("n_values", "n_groups"), [(0, 0), (2, 3)])
def test_shapes_that_do_not_fit_are_refused(n_values: int, n_groups: int) -> None:
    with pytest.raises(ValueError, match="as many groups as values"):
        mean_interval(np.zeros(n_values), ["g"] * n_groups)
