"""From a model's raw score to a probability: monotone by construction, and never quite 0 or 1."""

from math import exp, isfinite, isnan
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.curves import RisingCurve
from suffice.vocabulary import Probability

SURENESS = 1e-6
"""Probabilities stay this far from 0 and 1: no number of labels speaks for certainty."""

_LEAST, _GREATEST = Probability(SURENESS), Probability(1.0 - SURENESS)


class Calibrator(Protocol):
    """A probability that never falls while the raw score rises."""

    def __call__(self, score: float) -> Probability:
        """The probability, in (0, 1), for any score; the lowest one for NaN."""
        ...

    def to_array(self) -> NDArray[np.float64]:
        """What `from_array` makes the same calibrator of."""
        ...


class Platt:
    """A logistic curve, p = 1 / (1 + exp(-(slope * score + intercept))).

    Source:
        Platt 1999, "Probabilistic outputs for support vector machines", eq. 1, with both signs turned.
    """

    def __init__(self, slope: float, intercept: float) -> None:
        """Take the curve.

        Raises:
            ValueError: A number is not finite, or the slope is below 0: the curve would fall.
        """
        if not (isfinite(slope) and isfinite(intercept) and slope >= 0):
            raise ValueError(f"need a finite slope of 0 at least and a finite intercept; got {slope} and {intercept}")
        self.slope = slope
        self.intercept = intercept

    def __call__(self, score: float) -> Probability:
        """The probability of a score."""
        logit = self.slope * score + self.intercept
        if isnan(logit):
            # Of an endless score with slope 0 the curve still says what it says of every other.
            logit = self.intercept if self.slope == 0 and not isnan(score) else -40.0
        return _bound(1.0 / (1.0 + exp(-max(-40.0, min(40.0, logit)))))

    def to_array(self) -> NDArray[np.float64]:
        """Slope and intercept, shape (2,)."""
        return np.array([self.slope, self.intercept])


class Isotonic:
    """Straight lines between fitted points; two points close together make a step.

    Source:
        Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass probability estimates",
        section 3.2, with lines in place of steps so that unequal scores stay unequal.
    """

    def __init__(self, scores: NDArray[np.float64], p_ok: NDArray[np.float64]) -> None:
        """Take the points.

        Args:
            scores: Shape (n,), n >= 1, strictly rising.
            p_ok: Shape (n,), never falling, in [0, 1].

        Raises:
            ValueError: The points are not such.
        """
        if scores.ndim != 1 or p_ok.ndim != 1:
            raise ValueError(f"need two rows of numbers; got shapes {scores.shape} and {p_ok.shape}")
        if not bool(np.all((p_ok >= 0) & (p_ok <= 1))):
            raise ValueError("probabilities must be within [0, 1]")
        self._curve = RisingCurve(scores.tolist(), p_ok.tolist())

    def __call__(self, score: float) -> Probability:
        """The probability of a score; beyond the points that of the last one."""
        return _bound(self._curve.y[0] if isnan(score) else self._curve.height_at(score))

    def to_array(self) -> NDArray[np.float64]:
        """Scores and probabilities, shape (2, n)."""
        return np.array([self._curve.x, self._curve.y])


def from_array(array: NDArray[np.floating]) -> Calibrator:
    """Make the calibrator that an array holds.

    Args:
        array: Shape (2,), slope and intercept of `Platt`; or shape (2, n), scores and probabilities of `Isotonic`.

    Raises:
        ValueError: Another shape, or numbers that make no such calibrator.
    """
    numbers = array.astype(np.float64)
    if numbers.shape == (2,):
        return Platt(float(numbers[0]), float(numbers[1]))
    if numbers.ndim == 2 and numbers.shape[0] == 2:
        return Isotonic(numbers[0], numbers[1])
    raise ValueError(f"need shape (2,) or (2, n); got {numbers.shape}")


def _bound(p: float) -> Probability:
    if p < _LEAST:
        return _LEAST
    return _GREATEST if p > _GREATEST else Probability(p)
