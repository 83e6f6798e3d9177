import math

import numpy as np
import pytest

from suffice.lab.metrics import Figure, Floats, Resamples, join

VALUES = np.random.default_rng(1).random(60)
GROUPS = [str(index // 3) for index in range(60)]


def mean_of(values: Floats, weights: Floats) -> float:
    return float(np.average(values, weights=weights))


def make_figure(estimate: float, resampled: list[float], n_groups: int = 10) -> Figure:
    return Figure(estimate, np.array(resampled), 10, n_groups)


def test_whole_groups_are_resampled() -> None:
    seen: list[list[float]] = []

    def keep(weights: Floats) -> float:
        seen.append(weights.tolist())
        return 0.0

    Resamples.draw(["a", "b", "a", "c"], n_resamples=20).figure(keep)

    assert seen[0] == [1, 1, 1, 1]
    assert all(weights[0] == weights[2] and weights[0] + weights[1] + weights[3] == 3 for weights in seen)
    assert len({tuple(weights) for weights in seen}) > 5


def test_the_percentile_interval_is_that_of_a_slow_loop_over_drawn_groups() -> None:
    resamples = Resamples.draw(GROUPS, n_resamples=300, seed=4)
    names = sorted(set(GROUPS))
    means: list[float] = []
    for counts in resamples.counts.tolist():
        drawn = [name for name, times in zip(names, counts, strict=True) for _ in range(times)]
        members = [value for name in drawn for value, group in zip(VALUES, GROUPS, strict=True) if group == name]
        means.append(sum(members) / len(members))

    interval = resamples.figure(lambda weights: mean_of(VALUES, weights)).interval(0.9)

    assert [interval.low, interval.high] == pytest.approx(np.quantile(means, [0.05, 0.95]).tolist())
    assert (interval.estimate, interval.n, interval.n_groups) == (pytest.approx(VALUES.mean()), 60, 20)


def test_a_figure_by_index_is_that_by_multiplicity() -> None:
    resamples = Resamples.draw(GROUPS, n_resamples=50)

    by_index = resamples.figure_by_index(lambda prompts: float(VALUES[prompts].mean()))
    by_multiplicity = resamples.figure(lambda weights: mean_of(VALUES, weights))

    assert by_index.estimate == pytest.approx(by_multiplicity.estimate)
    assert by_index.resampled == pytest.approx(by_multiplicity.resampled)


def test_what_two_routers_have_in_common_cancels_out() -> None:
    resamples = Resamples.draw(GROUPS)
    one = resamples.figure(lambda weights: mean_of(VALUES, weights))
    other = resamples.figure(lambda weights: mean_of(VALUES - 0.01, weights))

    difference = (one - other).interval()

    assert [difference.low, difference.estimate, difference.high] == pytest.approx([0.01] * 3)


def test_equal_seeds_give_equal_resamples_and_others_do_not() -> None:
    one, same, other = (Resamples.draw(GROUPS, n_resamples=5, seed=seed) for seed in (7, 7, 8))

    assert np.array_equal(one.counts, same.counts)
    assert not np.array_equal(one.counts, other.counts)


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    n_covered = 0
    for _ in range(200):
        effects = rng.normal(size=40)
        values = np.repeat(effects, 5) + rng.normal(size=200)
        resamples = Resamples.draw([str(index // 5) for index in range(200)], n_resamples=300)
        interval = resamples.figure(lambda weights, values=values: mean_of(values, weights)).interval(0.9)
        n_covered += interval.low <= 0 <= interval.high

    assert 0.82 <= n_covered / 200 <= 0.96


def test_resamples_without_a_figure_are_left_out_as_long_as_they_are_few() -> None:
    figure = make_figure(1.0, [math.nan, *([0.0, 2.0] * 20)])

    interval = figure.interval(0.95)

    assert (interval.low, interval.high) == (0.0, 2.0)


def test_with_many_resamples_without_a_figure_there_is_no_interval() -> None:
    interval = make_figure(1.0, [math.nan] * 3 + [0.0, 2.0] * 20).interval(0.95)

    assert interval.estimate == 1.0
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_one_group_alone_has_no_interval() -> None:
    figure = Resamples.draw(["a", "a"], n_resamples=10).figure(lambda weights: mean_of(np.array([0.0, 1.0]), weights))

    assert figure.interval().estimate == 0.5
    assert math.isnan(figure.interval().low)
    assert math.isnan(figure.reflected().high)


def test_an_interval_reaches_to_its_estimate() -> None:
    interval = make_figure(0.1, [0.2, 0.3, 0.4]).interval()

    assert interval.low == 0.1
    assert interval.high < 0.4


def test_a_reflected_interval_takes_the_bias_of_resampling_off() -> None:
    interval = make_figure(0.06, np.linspace(0.05, 0.11, 101).tolist()).reflected(0.9)

    assert (interval.low, interval.high) == pytest.approx((0.06 * 2 - 0.107, 0.06 * 2 - 0.053))


def test_a_reflected_interval_stays_above_zero_and_reaches_to_its_estimate() -> None:
    interval = make_figure(0.02, np.linspace(0.03, 0.09, 101).tolist()).reflected()

    assert (interval.low, interval.estimate, interval.high) == (0.0, 0.02, 0.02)


def test_clusterings_are_joined_through_each_other() -> None:
    groups = ["g1", "g1", "g2", "g3", "g4"]
    conversations = ["c1", "c2", "c2", "c3", "c3"]

    assert join(groups, conversations) == ["g1", "g1", "g1", "g3", "g3"]


def test_a_name_in_two_clusterings_is_two_clusters() -> None:
    assert join(["a", "b", "c"], ["b", "a", "x"]) == ["a", "b", "c"]


def test_joining_does_not_depend_on_the_order_of_prompts() -> None:
    rng = np.random.default_rng(2)
    pairs = list(zip(map(str, rng.integers(0, 30, 40)), map(str, rng.integers(0, 30, 40)), strict=True))

    forth = join([one for one, _ in pairs], [other for _, other in pairs])
    back = join([one for one, _ in pairs[::-1]], [other for _, other in pairs[::-1]])

    assert forth == back[::-1]
    assert 1 < len(set(forth)) < 30


@pytest.mark.parametrize("clusterings", [(), (["a"], ["b", "c"])])
def test_clusterings_of_different_prompts_are_refused(clusterings: tuple[list[str], ...]) -> None:
    with pytest.raises(ValueError, match="one length"):
        join(*clusterings)


@pytest.mark.parametrize(("groups", "n_resamples"), [([], 10), (["a"], 0)])
def test_nothing_to_resample_is_refused(groups: list[str], n_resamples: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        Resamples.draw(groups, n_resamples=n_resamples)
