"""How many own outcomes it takes: training on ever more of them, measured on prompts that are never among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from suffice.errors import DatasetError
from suffice.estimators.bundle import Bundle
from suffice.estimators.lexical import Lexical, Trained
from suffice.lab.dataset import mark_test
from suffice.lab.metrics import Floats
from suffice.lab.train.choice import apgr_of
from suffice.lab.train.examples import Examples, Track, draw_groups
from suffice.lab.train.training import TrainPlan, train_on

SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000)
N_REPEATS = 5
TEST_SHARE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """What training on so many outcomes gives."""

    n: int
    """Queries trained on."""
    n_test: int
    warm: bool
    apgr: tuple[float, ...]
    """On the test prompts, one for each draw of the queries trained on; NaN where these leave no gap to recover. Draws
    of so few groups that they cannot be parted into folds are left out."""

    @property
    def mean(self) -> float:
        """Over the draws; of none, NaN."""
        return float(np.mean(self.apgr)) if self.apgr else float("nan")

    @property
    def spread(self) -> float:
        """Standard deviation over the draws; of one draw, NaN."""
        return float(np.std(self.apgr, ddof=1)) if len(self.apgr) > 1 else float("nan")


def learning_curve(
    examples: Examples,
    plan: TrainPlan,
    *,
    sizes: Sequence[int] = SIZES,
    n_repeats: int = N_REPEATS,
    warm_start: Bundle | None = None,
    track: Track = lambda steps: steps,
) -> list[CurvePoint]:
    """Train on random groups of growing number.

    Args:
        examples: Parted once into prompts for testing and a pool that is drawn from.
        plan: How to train.
        sizes: Numbers of queries; those beyond the pool are left out, and the whole pool comes last.
        n_repeats: Draws of each size.
        warm_start: Trains a second time from this bundle, on the same draws.
        track: Shows how far it is.

    Returns:
        A point for each size, and for cold and warm starts.
    """
    is_test = mark_test(examples.groups, TEST_SHARE, seed=plan.seed)
    test, pool = examples.take(np.flatnonzero(is_test)), examples.take(np.flatnonzero(~is_test))
    kept = [size for size in sizes if size < pool.n] + [pool.n]
    points: list[CurvePoint] = []
    starts = (None,) if warm_start is None else (None, warm_start)
    n_steps = len(kept) * len(starts)
    for step in track(range(n_steps)):
        size, start = kept[step // len(starts)], starts[step % len(starts)]
        found = tuple(_measure(pool, test, size, plan, start, n_repeats))
        points.append(CurvePoint(n=size, n_test=test.n, warm=start is not None, apgr=found))
    return points


def rate_gain(trained: Trained, texts: Sequence[str]) -> Floats:
    """The expected gains of texts, shape (n,)."""
    model = Lexical(trained.weights, trained.intercepts, trained.layout, (), trained.landmarks)
    return np.array([model(text)[0] for text in texts])


def _measure(
    pool: Examples, test: Examples, size: int, plan: TrainPlan, start: Bundle | None, n_repeats: int
) -> Iterator[float]:
    for repeat in range(1 if size == pool.n else n_repeats):
        some = pool.take(draw_groups(pool.groups, size, seed=plan.seed + repeat))
        try:
            trained = train_on(some, plan, warm_start=start).trained
        except DatasetError:
            continue  # so few that they cannot be parted into folds
        yield apgr_of(rate_gain(trained, test.texts), test.paired)
