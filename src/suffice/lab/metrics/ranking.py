"""The order in which prompts go to the large model."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Prompts by falling complexity, equals together.

    Sorting is done once: each resample of the prompts is then a matter of how often each of them counts.
    """

    levels: Floats
    """The distinct complexities, falling, shape (k,)."""
    level_of: NDArray[np.intp]
    """Of each prompt, which level it is at, shape (n,)."""

    @classmethod
    def of(cls, complexity: Floats) -> Self:
        """Sort prompts by complexity.

        Args:
            complexity: Higher goes to the large model first, shape (n,); any scale, infinities included.

        Raises:
            ValueError: `complexity` is empty, has another shape or holds NaN.
        """
        if complexity.ndim != 1 or complexity.size == 0:
            raise ValueError(f"need one complexity per prompt and one prompt at least; got shape {complexity.shape}")
        if np.isnan(complexity).any():
            raise ValueError(f"{int(np.isnan(complexity).sum())} of {complexity.size} complexities are NaN")
        rising, level_of = np.unique(-complexity, return_inverse=True)
        return cls(-rising, level_of)

    @property
    def n(self) -> int:
        """Prompts."""
        return self.level_of.size

    def total(self, values: Floats) -> Floats:
        """Sum values, shape (n,), over the prompts of each level, shape (k,)."""
        return np.bincount(self.level_of, weights=values, minlength=self.levels.size).astype(np.float64)
