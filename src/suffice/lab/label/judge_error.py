"""How wrong a labeller is, by what people say of the same answers, and what that does to a rate.

A judge that calls some bad answers good, and some good ones bad, gives a biased rate, and an interval that knows
nothing of it is too narrow. With its sensitivity and specificity estimated on answers that people labelled too, the
rate is corrected, and the uncertainty of all three goes into the interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.lab.intervals import Interval

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

N_RESAMPLES = 2000
LEVEL = 0.95
_MIN_INFORMATION = 0.05
"""Of sensitivity + specificity - 1: below it the judge tells next to nothing, and the correction explodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A labeller's labels against people's, counted."""

    n_hits: int
    """Acceptable, and called so."""
    n_misses: int
    """Acceptable, but not called so."""
    n_correct_rejections: int
    n_false_alarms: int
    """Not acceptable, but called so."""

    @property
    def n(self) -> int:
        """Answers with both labels."""
        return self.n_hits + self.n_misses + self.n_correct_rejections + self.n_false_alarms

    @property
    def sensitivity(self) -> float | None:
        """Share of the acceptable answers that are called so; None where people called none acceptable."""
        n = self.n_hits + self.n_misses
        return self.n_hits / n if n else None

    @property
    def specificity(self) -> float | None:
        """Share of the unacceptable answers that are called so; None where people called none unacceptable."""
        n = self.n_correct_rejections + self.n_false_alarms
        return self.n_correct_rejections / n if n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedRate:
    """The share of acceptable answers, freed of the labeller's error."""

    confusion: Confusion
    rate: Interval | None
    """None: it cannot be corrected."""
    problem: str | None = None
    """Why it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoublyLabelled:
    """Answers of one model, all with a labeller's label and some with a person's."""

    judged_ok: Bools
    """What the labeller says, shape (n,)."""
    human_ok: Bools
    """What people say, where `has_human`, shape (n,)."""
    has_human: Bools
    """Shape (n,)."""
    weights: Floats
    """Inverse inclusion probabilities, shape (n,)."""
    groups: Sequence[str]
    """Prompt group of each, length n."""


def correct_rate(labelled: DoublyLabelled, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> CorrectedRate:
    """The rate of acceptable answers by the estimator of Rogan and Gladen, with a bootstrap interval.

    rate = (called acceptable + specificity - 1) / (sensitivity + specificity - 1), cut to [0, 1]. The groups that
    people labelled and those that they did not are resampled apart, so that the error of the labeller's own rates is
    in the interval as well as that of the share. Where no error was seen on a side, a bootstrap would hold the
    labeller to be perfect; there its rate is drawn from Jeffreys' posterior.

    Source:
        Rogan and Gladen 1978, "Estimating prevalence from the results of a screening test", American Journal of
        Epidemiology 107(1), 71-76. Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13. Brown,
        Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion", section 3.1.2 (Jeffreys).
    """
    confusion = _count(labelled)
    if confusion.sensitivity is None or confusion.specificity is None:
        lacking = "acceptable" if confusion.sensitivity is None else "unacceptable"
        problem = f"people called none of {confusion.n} answers {lacking}: label more, of both kinds"
        return CorrectedRate(confusion=confusion, rate=None, problem=problem)
    ones = np.ones(labelled.judged_ok.size)
    estimate = _correct(*_rates(labelled, ones))
    if np.isnan(estimate):
        problem = "the labels agree with people's hardly better than chance: no correction can mend them"
        return CorrectedRate(confusion=confusion, rate=None, problem=problem)
    rng = np.random.default_rng(seed)
    strata = _Strata.of(labelled)
    resampled = np.array([_resample(labelled, confusion, strata, rng) for _ in range(n_resamples)])
    known = resampled[~np.isnan(resampled)]
    if known.size < LEVEL * n_resamples:
        problem = "too few human labels: many resamples of them have no answer of one kind"
        return CorrectedRate(confusion=confusion, rate=None, problem=problem)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    interval = Interval(
        estimate=estimate,
        low=min(float(low), estimate),
        high=max(float(high), estimate),
        n=labelled.judged_ok.size,
        n_groups=len(set(labelled.groups)),
    )
    return CorrectedRate(confusion=confusion, rate=interval)


def _count(labelled: DoublyLabelled) -> Confusion:
    judged, human, both = labelled.judged_ok, labelled.human_ok, labelled.has_human
    return Confusion(
        n_hits=int((both & human & judged).sum()),
        n_misses=int((both & human & ~judged).sum()),
        n_correct_rejections=int((both & ~human & ~judged).sum()),
        n_false_alarms=int((both & ~human & judged).sum()),
    )


def _rates(labelled: DoublyLabelled, times: Floats) -> tuple[float, float, float]:
    """Share called acceptable, sensitivity and specificity, with each answer counted so many times."""
    weights = labelled.weights * times
    good = weights * (labelled.has_human & labelled.human_ok)
    bad = weights * (labelled.has_human & ~labelled.human_ok)
    return (
        _share(weights, labelled.judged_ok),
        _share(good, labelled.judged_ok),
        _share(bad, ~labelled.judged_ok),
    )


def _share(weights: Floats, where: Bools) -> float:
    total = float(weights.sum())
    return float(weights[where].sum()) / total if total > 0 else float("nan")


def _correct(share: float, sensitivity: float, specificity: float) -> float:
    information = sensitivity + specificity - 1
    if not information >= _MIN_INFORMATION:  # also where it is NaN
        return float("nan")
    return min(1.0, max(0.0, (share + specificity - 1) / information))


def _resample(labelled: DoublyLabelled, confusion: Confusion, strata: "_Strata", rng: np.random.Generator) -> float:
    times = strata.draw(rng)
    share, sensitivity, specificity = _rates(labelled, times)
    if confusion.n_misses == 0:
        sensitivity = float(rng.beta(confusion.n_hits + 0.5, 0.5))
    if confusion.n_false_alarms == 0:
        specificity = float(rng.beta(confusion.n_correct_rejections + 0.5, 0.5))
    return _correct(share, sensitivity, specificity)


@dataclass(frozen=True, slots=True, eq=False)
class _Strata:
    """Groups with human labels, and those without."""

    group_of: NDArray[np.intp]
    members: Sequence[NDArray[np.intp]]

    @classmethod
    def of(cls, labelled: DoublyLabelled) -> "_Strata":
        names, group_of = np.unique(np.asarray(labelled.groups, dtype=np.str_), return_inverse=True)
        has_human = np.zeros(names.size, dtype=np.bool_)
        has_human[group_of[labelled.has_human]] = True
        return cls(group_of, [np.flatnonzero(has_human), np.flatnonzero(~has_human)])

    def draw(self, rng: np.random.Generator) -> Floats:
        """How often each answer is in a resample of whole groups, each stratum drawn apart."""
        counts = np.zeros(sum(groups.size for groups in self.members))
        for groups in self.members:
            if groups.size:
                counts[groups] = rng.multinomial(groups.size, np.full(groups.size, 1 / groups.size))
        return counts[self.group_of]
