"""Spreading any measure over [0, 10] by where it lies among reference values."""

from collections.abc import Iterable

import numpy as np

from suffice.estimators.curves import RisingCurve

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
            ValueError: No finite value, or values further apart than a float can say.
        """
        values = np.sort(np.array([value for value in reference if np.isfinite(value)], dtype=np.float64))
        if values.size == 0:
            raise ValueError("need one finite reference value at least")
        unique, first, times = np.unique(values, return_index=True, return_counts=True)
        ranks = first + (times - 1) / 2
        levels = _SCALE * ranks / (values.size - 1) if values.size > 1 else np.array([_SCALE / 2])
        self._curve = RisingCurve(unique.tolist(), levels.tolist())
        self._least, self._greatest = float(unique[0]), float(unique[-1])

    def __call__(self, value: float) -> float:
        """The value's place in [0, 10]; 10 for NaN, so that what cannot be measured counts as hard."""
        if self._least <= value <= self._greatest:
            return self._curve.height_at(value)
        return 0.0 if value < self._least else _SCALE
