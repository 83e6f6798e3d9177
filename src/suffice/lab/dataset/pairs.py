"""Two models' scores on the queries that both answered."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.errors import DatasetError

MIN_PAIRS = 20
"""Fewer queries teach nothing that would hold on the next one."""

OK_SCORE = 0.5
"""An answer that scores less is a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Scores of a small and a large model on the same n queries."""

    small: str
    large: str
    query: NDArray[np.intp]
    """Indices into the dataset's queries, rising, shape (n,)."""
    small_scores: NDArray[np.float64]
    """In [0, 1], shape (n,)."""
    large_scores: NDArray[np.float64]
    """In [0, 1], shape (n,)."""
    left_out: Mapping[str, int]
    """How many of the dataset's queries are not here, by reason; only reasons that occur."""

    @property
    def uplift(self) -> NDArray[np.float64]:
        """What the large model gains, in [-1, 1], shape (n,)."""
        return self.large_scores - self.small_scores

    @property
    def small_failed(self) -> NDArray[np.bool_]:
        """Where the small model's answer is a failure, shape (n,)."""
        return self.small_scores < OK_SCORE

    def check_trainable(self, *, minimum: int = MIN_PAIRS) -> None:
        """See that there is something to learn.

        Raises:
            DatasetError: Fewer than `minimum` queries, or the small model fails on all of them or on none, or the
                large one gains the same everywhere.
        """
        n = self.query.size
        if n < minimum:
            raise DatasetError(
                f"{n} queries have scored answers of both {self.small} and {self.large}, but {minimum} at least are"
                f" needed{self._why_so_few()}"
            )
        n_failed = int(self.small_failed.sum())
        if n_failed in (0, n):
            verdict = "fails (score under 0.5) on every one" if n_failed else "fails (score under 0.5) on none"
            raise DatasetError(
                f"{self.small} {verdict} of {n} queries, so there is nothing to tell apart;"
                " take other queries, or another small model"
            )
        if np.ptp(self.uplift) == 0:
            raise DatasetError(
                f"{self.large} scores {self.uplift[0]:+.2f} against {self.small} on each of {n} queries, so there is"
                " nothing to tell apart; take other queries, or another large model"
            )

    def _why_so_few(self) -> str:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in self.left_out.items())
        return f" (left out: {reasons})" if reasons else ""
