"""How alike texts are, as a ridge regression sees it: rows times rows."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suffice.lab.train.design import Rows

MAX_DENSE = 12_000
"""Texts up to which all likenesses are kept (0.6 GB); beyond it they are computed whenever they are needed."""

_FREQUENT = 0.03
"""Share of the texts above which a column counts as frequent: a dense product is faster for these."""


class Kernel(Protocol):
    """X X^T of some rows."""

    def apply(self, dual: NDArray[np.float32]) -> NDArray[np.float32]:
        """X X^T @ dual, shape (n, k)."""
        ...

    def take(self, rows: NDArray[np.intp]) -> "Kernel":
        """Of some rows."""
        ...

    def predict(
        self, outside: NDArray[np.intp], inside: NDArray[np.intp], dual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What the rows inside, weighted by `dual`, say of the rows outside, shape (n_outside, k)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class DenseKernel:
    """All likenesses, computed once."""

    matrix: NDArray[np.float32]
    """Shape (n, n)."""

    def apply(self, dual: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Kernel`."""
        return self.matrix @ dual

    def take(self, rows: NDArray[np.intp]) -> "DenseKernel":
        """See `Kernel`."""
        return DenseKernel(self.matrix[np.ix_(rows, rows)])

    def predict(
        self, outside: NDArray[np.intp], inside: NDArray[np.intp], dual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Kernel`."""
        return self.matrix[np.ix_(outside, inside)] @ dual


@dataclass(frozen=True, slots=True, eq=False)
class FactoredKernel:
    """Likenesses by way of the weights, for more texts than fit in memory pair by pair."""

    rows: Rows

    def apply(self, dual: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Kernel`."""
        return self.rows.predict(self.rows.of_rows(dual))

    def take(self, rows: NDArray[np.intp]) -> "FactoredKernel":
        """See `Kernel`."""
        return FactoredKernel(self.rows.take(rows))

    def predict(
        self, outside: NDArray[np.intp], inside: NDArray[np.intp], dual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Kernel`."""
        return self.rows.take(outside).predict(self.rows.take(inside).of_rows(dual))


def make_kernel(rows: Rows, words: NDArray[np.float32] | None) -> Kernel:
    """The kernel of rows.

    Args:
        rows: Of n texts.
        words: Their likeness by words, as `word_likeness` gives it; None: too many texts.
    """
    if words is None:
        return FactoredKernel(rows)
    likeness = rows.shapes @ rows.shapes.T
    likeness += words
    return DenseKernel(likeness)


def word_likeness(rows: Rows) -> NDArray[np.float32] | None:
    """Likeness by words alone, the same for every view; shape (n, n), or None beyond `MAX_DENSE`."""
    n = rows.shapes.shape[0]
    if n > MAX_DENSE:
        return None
    columns = rows.words.tocsc()
    counts = np.diff(columns.indptr)
    frequent = np.flatnonzero(counts > max(1, _FREQUENT * n))
    dense = columns[:, frequent].toarray()
    # A column that one text has alone tells of no other; it counts on the diagonal.
    rare = rows.words[:, np.flatnonzero((counts > 0) & (counts <= max(1, _FREQUENT * n)))]
    likeness = dense @ dense.T
    for start in range(0, n, 1024):
        likeness[start : start + 1024] += (rare[start : start + 1024] @ rare.T).toarray()
    return likeness
