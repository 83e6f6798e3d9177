"""A text's shape as one row of numbers, and what each of them contributed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.landmarks import Landmarks
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.wordkinds import KINDS, OPENINGS

N_MEASURES = len(KINDS) + len(OPENINGS) + len(SURFACE)

_FIRST_SURFACE = len(KINDS) + len(OPENINGS)
_NAMES: Sequence[str] = (
    *(f"kind: {name}" for name in KINDS),
    *(f"first word: {word}" for word in OPENINGS),
    *(f"count: {name}" for name in SURFACE),
)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds to an output."""

    feature: str
    value: float


def join_shape(
    surface: NDArray[np.floating], kinds: NDArray[np.floating] | None, opening: int | None
) -> NDArray[np.float32]:
    """The columns of a layout from `first_kind` on, shape (n_measures,).

    Args:
        surface: Surface measures, shape (len(SURFACE),).
        kinds: How many words are of each kind, as the features scale it, shape (len(KINDS),); None: no words.
        opening: Place of the first word among the openings, if it is one.
    """
    shape = np.zeros(N_MEASURES, dtype=np.float32)
    if kinds is not None:
        shape[: len(KINDS)] = kinds
    if opening is not None:
        shape[len(KINDS) + opening] = 1.0
    shape[_FIRST_SURFACE:] = surface
    return shape


def trace(
    landmarks: Landmarks, start: NDArray[np.float32], end: NDArray[np.float32], output: int
) -> list[tuple[str, float]]:
    """What each measure adds to an output on the way from one shape to another; their sum is the whole difference.

    Measures change one after the other, in their order and in the opposite order, and the mean of both is told: what
    two of them do together is shared.

    Source:
        Shapley 1953, "A value for n-person games", with two of all the orders.
    """
    found = np.zeros(N_MEASURES)
    for order in (np.arange(N_MEASURES), np.arange(N_MEASURES)[::-1]):
        changed = np.zeros((N_MEASURES + 1, N_MEASURES), dtype=np.bool_)
        changed[1:, order] = np.tri(N_MEASURES, dtype=np.bool_)
        values = landmarks.likeness(np.where(changed, end, start)) @ landmarks.weights[:, output].astype(np.float64)
        found[order] += np.diff(values) / 2
    return [(name, value) for name, value in zip(_NAMES, found.tolist(), strict=True) if value]


def merge(found: Iterable[tuple[str, float]]) -> list[Contribution]:
    """Contributions with one of each name."""
    sums: dict[str, float] = {}
    for name, value in found:
        sums[name] = sums.get(name, 0.0) + value
    return [Contribution(name, value) for name, value in sums.items()]
