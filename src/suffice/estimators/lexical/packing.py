"""Several numbers in one integer of any length, so that a single addition adds all of them: exactly, in any order."""

from collections.abc import Sequence
from struct import Struct

import numpy as np
from numpy.typing import NDArray

_NUMBER_BITS = 64
_COUNT_BITS = 8


class Packing:
    """Puts whole numbers, and behind them counts, into one integer, and takes them out of a sum of such.

    A sum's numbers must stay within [-2**63, 2**63), its counts within [0, 2**8).
    """

    def __init__(self, n_numbers: int, n_counts: int) -> None:
        """Say how many of each there are, one number at least."""
        self._first_count = n_numbers * _NUMBER_BITS
        self._fields = bytearray((self._first_count + n_counts * _COUNT_BITS) // 8)
        self._counts = np.frombuffer(self._fields, np.uint8, n_counts, self._first_count // 8)
        self._numbers = Struct(f"<{n_numbers}q")
        # The highest bit of every number. In a sum that begins with it no number borrows from the one above it.
        self.zero = sum(1 << place * _NUMBER_BITS + _NUMBER_BITS - 1 for place in range(n_numbers))
        """What a sum begins with."""

    def pack(self, numbers: Sequence[int], counted: Sequence[int] = ()) -> int:
        """One integer of the numbers, and of a 1 for each place among the counts that is given."""
        packed = 0
        for place in counted:
            packed += 1 << self._first_count + place * _COUNT_BITS
        for place, number in enumerate(numbers):
            packed += number << place * _NUMBER_BITS
        return packed

    def unpack(self, total: int) -> tuple[Sequence[int], NDArray[np.uint8]]:
        """Numbers and counts of a sum that began with `zero`; the counts are good until the next call."""
        fields = self._fields
        fields[:] = (total ^ self.zero).to_bytes(len(fields), "little")
        return self._numbers.unpack_from(fields), self._counts
