"""Draws: their chances are what they say, estimates stay unbiased, and an active one narrows the threshold.

Measured by the simulation below with 2,000 draws of 400 from a pool of 6,000, threshold 4, active over random: standard
deviation of the loss at the threshold .75 (its ratio form .78), of the threshold that keeps the loss .81, width of the
loss's bootstrap interval .82. A draw of what is close to the threshold on both sides: 1.28, 1.29, 1.37, 1.20.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from suffice.lab.dataset import Query
from suffice.lab.label.sampling import Sample, draw, spread_active, spread_by_category, take
from suffice.lab.metrics.bootstrap import Resamples

Floats = NDArray[np.float64]

THRESHOLD = 4.0
N_POOL = 6_000
N_LABELS = 400
N_DRAWS = 500


@dataclass(frozen=True, eq=False)
class Pool:
    """Queries whose outcomes are known here, and a model that knows their complexity and calibrated chances."""

    complexity: Floats
    p_small: Floats
    p_large: Floats
    uplift: Floats
    """Large score - small score."""
    groups: list[str]

    @property
    def loss(self) -> float:
        """What is lost by sending all up to the threshold to the small model."""
        return float((self.uplift * (self.complexity <= THRESHOLD)).mean())

    def estimate(self, sample: Sample) -> tuple[float, float, float]:
        """The loss by Horvitz-Thompson, its ratio form (Hájek), and the largest threshold that keeps the true loss."""
        weights = 1 / sample.inclusion
        complexity, uplift = self.complexity[sample.indices], self.uplift[sample.indices]
        lost = weights * uplift * (complexity <= THRESHOLD)
        order = np.argsort(complexity)
        curve = np.cumsum((weights * uplift)[order]) / weights.sum()
        within = np.flatnonzero(curve <= self.loss)
        limit = float(complexity[order][within[-1]]) if within.size else 0.0
        return float(lost.sum() / N_POOL), float(lost.sum() / weights.sum()), limit

    def interval_width(self, sample: Sample) -> float:
        weights = 1 / sample.inclusion
        lost = self.uplift[sample.indices] * (self.complexity[sample.indices] <= THRESHOLD)
        resamples = Resamples.draw([str(index) for index in sample.indices], n_resamples=200)
        interval = resamples.figure(lambda n: float((n * weights) @ lost / (n @ weights))).interval()
        return interval.high - interval.low


def logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


@pytest.fixture(scope="module")
def pool() -> Pool:
    rng = np.random.default_rng(7)
    complexity = rng.uniform(0, 10, N_POOL)
    # The model sees the mean only: each query is harder or easier than its complexity tells.
    small = logistic(3.2 - 0.45 * complexity + 0.8 * rng.normal(size=N_POOL))
    large = logistic(3.6 - 0.2 * complexity + 0.5 * rng.normal(size=N_POOL))
    uplift = (rng.random(N_POOL) < large).astype(float) - (rng.random(N_POOL) < small)
    return Pool(
        complexity=complexity,
        p_small=logistic((3.2 - 0.45 * complexity) / 1.1),
        p_large=logistic((3.6 - 0.2 * complexity) / 1.05),
        uplift=uplift,
        groups=[str(number) for number in range(N_POOL)],
    )


def draw_often(pool: Pool, sizes: Floats, *, seed: int) -> tuple[Floats, Floats]:
    """Estimates of many draws, shape (n draws, 3), and the widths of some intervals."""
    rng = np.random.default_rng(seed)
    samples = [draw(sizes, pool.groups, N_LABELS, rng) for _ in range(N_DRAWS)]
    widths = [pool.interval_width(sample) for sample in samples[:40]]
    return np.array([pool.estimate(sample) for sample in samples]), np.array(widths)


def test_an_active_draw_narrows_the_loss_and_the_threshold_and_biases_neither(pool: Pool) -> None:
    sizes = spread_active(pool.complexity, THRESHOLD, pool.p_small, pool.p_large)

    random, random_widths = draw_often(pool, np.ones(N_POOL), seed=1)
    active, active_widths = draw_often(pool, sizes, seed=2)

    ratios = active.std(axis=0) / random.std(axis=0)
    assert ratios[0] < 0.85
    assert ratios[1] < 0.88
    assert ratios[2] < 0.95
    assert active_widths.mean() / random_widths.mean() < 0.92
    for estimates in (random, active):
        error = estimates[:, 0].mean() - pool.loss
        assert abs(error) < 3 * estimates[:, 0].std() / np.sqrt(N_DRAWS)


def test_a_draw_around_the_threshold_would_be_worse_than_a_random_one(pool: Pool) -> None:
    near = np.exp(-((pool.complexity - THRESHOLD) ** 2) / 2) * np.sqrt(pool.p_small * (1 - pool.p_small))

    random, _ = draw_often(pool, np.ones(N_POOL), seed=1)
    around, _ = draw_often(pool, 0.2 + 0.8 * near / near.mean(), seed=4)

    assert (around.std(axis=0) > 1.1 * random.std(axis=0)).all()


def test_a_draw_by_a_model_that_is_wrong_is_not_biased_either(pool: Pool) -> None:
    misled = spread_active(10 - pool.complexity, THRESHOLD, 1 - pool.p_small, pool.p_large)

    estimates, _ = draw_often(pool, misled, seed=3)

    error = estimates[:, 0].mean() - pool.loss
    assert abs(error) < 3 * estimates[:, 0].std() / np.sqrt(N_DRAWS)


def test_chances_are_what_they_say_and_a_group_is_drawn_once() -> None:
    sizes = np.array([1.0, 1.0, 2.0, 4.0, 1.0, 0.5, 0.5])
    groups = ["a", "a", "b", "c", "d", "e", "e"]
    rng = np.random.default_rng(5)
    n_drawn = np.zeros(7)
    stated = np.full(7, np.nan)

    for _ in range(6_000):
        sample = draw(sizes, groups, 3, rng)
        n_drawn[sample.indices] += 1
        stated[sample.indices] = sample.inclusion
        drawn: list[int] = sample.indices.tolist()
        assert len({groups[index] for index in drawn}) == 3

    assert np.abs(n_drawn / 6_000 - stated).max() < 0.03
    assert stated[3] == 1.0  # larger than a third of the whole
    assert stated[0] == pytest.approx(stated[2] / 2)
    assert stated.sum() == pytest.approx(3.0)


def test_equal_sizes_give_every_query_the_same_chance_whatever_its_group() -> None:
    groups = ["a"] * 5 + [str(number) for number in range(95)]

    sample = draw(np.ones(100), groups, 10, np.random.default_rng(1))

    assert sample.indices.size == 10
    assert sample.inclusion == pytest.approx(np.full(10, 0.1))


def test_more_than_there_is_takes_one_of_every_group() -> None:
    sample = draw(np.ones(5), ["a", "a", "b", "c", "c"], 50, np.random.default_rng(1))

    assert sample.indices.size == 3
    assert sorted(sample.inclusion.tolist()) == [0.5, 0.5, 1.0]


@pytest.mark.parametrize(("size", "n"), [(0.0, 2), (-1.0, 2), (1.0, 0)])
def test_what_cannot_be_drawn_is_refused(size: float, n: int) -> None:
    with pytest.raises(ValueError, match="need positive sizes"):
        draw(np.array([1.0, size]), ["a", "b"], n, np.random.default_rng(1))


def test_the_same_seed_draws_the_same() -> None:
    samples = [draw(np.ones(50), [str(n) for n in range(50)], 7, np.random.default_rng(9)) for _ in range(2)]

    assert samples[0].indices.tolist() == samples[1].indices.tolist()


def test_a_sample_of_a_sample_multiplies_the_chances() -> None:
    queries = [Query(query_id="a", prompt="?", inclusion_probability=0.5), Query(query_id="b", prompt="!")]

    taken = take(queries, Sample(indices=np.array([0, 1]), inclusion=np.array([0.25, 0.25])))

    assert [query.inclusion_probability for query in taken] == [0.125, 0.25]


def test_active_sizes_count_all_below_the_threshold_and_fade_above_it() -> None:
    complexity = np.array([0.0, 4.0, 5.0, 7.0, 10.0])

    sizes = spread_active(complexity, 4.0, None, None)

    assert sizes[0] == sizes[1] > sizes[2] > sizes[3] > 0
    assert sizes.mean() == pytest.approx(1.0)
    assert sizes.min() >= 0.2


def test_what_both_models_surely_can_or_cannot_do_counts_least() -> None:
    complexity = np.zeros(3)

    both, neither, unsure = spread_active(complexity, 4.0, np.array([1.0, 0.0, 0.5]), np.array([1.0, 0.0, 0.9]))

    assert both == neither < unsure
    assert spread_active(complexity, 4.0, np.ones(3), np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_categories_where_the_models_differed_count_more() -> None:
    queries = [Query(query_id=f"{kind}{n}", prompt="?", category=kind) for kind in ("easy", "hard") for n in range(20)]
    queries.append(Query(query_id="new", prompt="?", category="new"))
    known = {f"easy{n}": 0.0 for n in range(10)} | {f"hard{n}": 1.0 for n in range(10)} | {"elsewhere": -1.0}

    sizes = spread_by_category(queries, known)

    assert sizes[0] < sizes[-1] < sizes[20]
    assert spread_by_category(queries, {}).tolist() == [1.0] * 41
