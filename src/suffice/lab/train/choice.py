"""Which of the candidates to serve, and what that choice is worth on prompts that did not take part in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from suffice.lab.metrics import Floats, GainCurve, PairedScores, Ranking
from suffice.lab.train.crossval import PENALTIES, Held

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the quiet target in the expected gain; the rest is the model trained on the plain uplift."""

_N_BEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to predict the gain."""

    view: int
    """Place among the cross-validated views."""
    view_name: str
    quiet_share: float
    """In [0, 1]."""
    uplift_penalty: int
    """Place among `PENALTIES`."""
    quiet_penalty: int

    def predict(self, held: Sequence[Held]) -> Floats:
        """Expected gains of all rows, none of which trained its own, shape (n,)."""
        gain = held[self.view].gain
        if self.quiet_share == 0.0:
            return gain[:, 0, self.uplift_penalty]
        quiet = gain[:, 1, self.quiet_penalty]
        return self.quiet_share * quiet + (1 - self.quiet_share) * gain[:, 0, self.uplift_penalty]

    def describe(self) -> str:
        """In words, for reports."""
        if self.quiet_share == 0.0:
            return f"uplift, penalty {PENALTIES[self.uplift_penalty]:g}, {self.view_name} view"
        parts = f"{self.quiet_share:.0%} denoised (penalty {PENALTIES[self.quiet_penalty]:g})"
        if self.quiet_share < 1.0:
            parts += f" + {1 - self.quiet_share:.0%} uplift (penalty {PENALTIES[self.uplift_penalty]:g})"
        return f"{parts}, {self.view_name} view"


def candidates(held: Sequence[Held]) -> Iterator[Candidate]:
    """All of them, the plainest first."""
    n_gains = held[0].gain.shape[1]
    shares = SHARES if n_gains == 2 else SHARES[:1]
    places = range(len(PENALTIES))
    for share, view, uplift, quiet in product(shares, range(len(held)), places, places):
        is_same = (share == 0.0 and quiet > 0) or (share == 1.0 and uplift > 0)
        if not is_same:
            yield Candidate(
                view=view,
                view_name=held[view].view_name,
                quiet_share=share,
                uplift_penalty=uplift,
                quiet_penalty=quiet,
            )


def apgr_of(gain: Floats, scores: PairedScores) -> float:
    """APGR of expected gains; NaN where there is no gap to recover."""
    return GainCurve.of(Ranking.of(gain), scores).apgr()


def worth(gain: Floats, scores: PairedScores) -> float:
    """APGR; where there is no gap to recover, how well the gain is predicted: less its mean squared error."""
    apgr = apgr_of(gain, scores)
    if np.isnan(apgr):
        return -float(np.mean((gain - scores.uplift) ** 2))
    return apgr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """The mean of the best few candidates of one view: a linear model as each of them is, and steadier."""

    view: int
    members: Sequence[Candidate]
    """The best first."""

    def predict(self, held: Sequence[Held]) -> Floats:
        """Expected gains of all rows, none of which trained its own, shape (n,)."""
        return np.mean([member.predict(held) for member in self.members], axis=0)

    def coefficients(self, n_gains: int) -> Floats:
        """How much of each target and penalty there is in it, shape (n_gains, n_penalties); the sum is 1."""
        found = np.zeros((n_gains, len(PENALTIES)))
        for member in self.members:
            found[0, member.uplift_penalty] += (1 - member.quiet_share) / len(self.members)
            if member.quiet_share > 0.0:
                found[1, member.quiet_penalty] += member.quiet_share / len(self.members)
        return found


def choose(held: Sequence[Held], scores: PairedScores, rows: NDArray[np.intp] | None = None) -> Mixture:
    """The candidates worth most on some rows, all of the view of the best one.

    Args:
        held: Predictions of all rows.
        scores: Of all rows.
        rows: Which of them may take part; all if left out.
    """
    which = np.arange(scores.small.size) if rows is None else rows
    ranked = [candidate for candidate, _ in rank(held, scores, which)]
    view = ranked[0].view
    return Mixture(view=view, members=[each for each in ranked if each.view == view][:_N_BEST])


def rank(
    held: Sequence[Held], scores: PairedScores, rows: NDArray[np.intp] | None = None
) -> list[tuple[Candidate, float]]:
    """All candidates with what they are worth on some rows, the best first; of equals the plainest."""
    which = np.arange(scores.small.size) if rows is None else rows
    part = PairedScores(scores.small[which], scores.large[which])
    valued = [(candidate, worth(candidate.predict(held)[which], part)) for candidate in candidates(held)]
    return sorted(valued, key=lambda each: -each[1])


def nested(held: Sequence[Held], scores: PairedScores, folds: NDArray[np.intp]) -> Floats:
    """Where each row's expected gain lies in its fold, by what is chosen without the fold, shape (n,), in (0, 1).

    Different folds choose differently, and each has a scale of its own, as every bundle has. What a choice looks at are
    predictions of the other folds, made once for all: their models have seen this fold, the choice has not. On outcomes
    that are nothing but chance this flatters APGR by .01 at 200 prompts and by .006 at 800 (400 and 70 simulations).

    Source:
        Stone 1974, "Cross-validatory choice and assessment of statistical predictions".
    """
    found = np.empty(folds.size)
    for fold in np.unique(folds):
        outside = np.flatnonzero(folds == fold)
        gain = choose(held, scores, np.flatnonzero(folds != fold)).predict(held)[outside]
        level, sizes = np.unique(gain, return_inverse=True, return_counts=True)[1:]
        middle = np.cumsum(sizes) - sizes / 2
        found[outside] = middle[level] / outside.size
    return found


def choose_penalty(predicted: Floats, ok: Floats) -> int:
    """Place of the penalty whose predictions of success are nearest to what happened.

    Args:
        predicted: Shape (n, n_penalties).
        ok: Shape (n,).
    """
    return int(np.argmin(np.mean((predicted - ok[:, None]) ** 2, axis=0)))
