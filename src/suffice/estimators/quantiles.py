"""Spreading any measure over [0, 10] by where it lies among reference values."""

from collections.abc import Iterable

import numpy as np

_SCALE = 10.0


class QuantileMap:
    """A monotone, piecewise linear map onto [0, 10] that sends the k-th of n reference values to 10 k / (n - 1).

    Equal reference values share their mean rank. Below the least value the result is 0, above the greatest 10. If all
    reference values are equal, that value is sent to 5.
    """

    def __init__(self, reference: Iterable[float]) -> None:
        """Build the map.

        Args:
            reference: Values in any order; those that are not finite are left out.

        Raises:
            ValueError: No finite value.
        """
        values = np.sort(np.array([value for value in reference if np.isfinite(value)], dtype=np.float64))
        if values.size == 0:
            raise ValueError("need one finite reference value at least")
        unique, first, times = np.unique(values, return_index=True, return_counts=True)
        ranks = first + (times - 1) / 2
        self._values = unique
        self._levels = _SCALE * ranks / (values.size - 1) if values.size > 1 else np.array([_SCALE / 2])

    def __call__(self, value: float) -> float:
        """The value's place in [0, 10]; 10 for NaN, so that what cannot be measured counts as hard."""
        if np.isnan(value) or value > self._values[-1]:
            return _SCALE
        if value < self._values[0]:
            return 0.0
        # Rounding may carry an interpolated value past the reference above it; its level is the bound.
        above = float(self._levels[np.searchsorted(self._values, value)])
        return min(above, float(np.interp(value, self._values, self._levels)))
