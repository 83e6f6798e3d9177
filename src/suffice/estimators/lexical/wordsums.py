"""What words add to the outputs, each summed once and kept."""

from collections.abc import Sequence
from math import frexp

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.packing import Packing
from suffice.estimators.lexical.wordkinds import KINDS, KINDS_OF
from suffice.estimators.lexical.words import runs_of, word_bucket

MAX_VOCABULARY = 32_768
"""Words at most that are known from the start."""

MAX_LEARNED = 8_192
"""Words that are learned before those are forgotten which were learned earlier and not met since; so twice as many are
kept at most. To forget more at once would hold up the event loop. A text has 4,097 different words at most."""

MAX_LEARNED_BYTES = 1 << 20
"""Bytes of learned words that do the same: some languages have no spaces, and words like sentences."""

_TOGETHER = 4_096
"""Words whose runs are summed at once at most, to bound the memory that this takes."""

_WEIGHT_BITS = 30
"""Of the largest weight: a text's sum over its 2 ** 18 columns at most stays within 64 bits."""


class WordSums:
    """Sums of the weights of words' columns: of the vocabulary always, of others for a bounded number.

    Weights are taken as whole multiples of a `unit`, which 16-bit floats are unless they differ by 2 ** 19 and more. So
    sums are exact, and the same whichever words are summed first, or together.
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        layout: Layout,
        vocabulary: Sequence[bytes] = (),
        *,
        counts_kinds: bool = False,
    ) -> None:
        """Sum up the vocabulary, about 1 us a word.

        Args:
            weights: Shape (layout.n_columns, n_outputs).
            layout: Which column is which feature.
            vocabulary: Different words, as `words.read` gives them, `MAX_VOCABULARY` at most.
            counts_kinds: Count beside the sums how many words are of each kind.
        """
        _, exponent = frexp(float(np.abs(weights).max(initial=0.0)))
        self.unit = 2.0 ** (exponent - _WEIGHT_BITS)
        """What the sums are multiples of."""
        whole = np.rint(weights[: layout.first_opening] / self.unit).astype(np.int32)
        self._weights = whole[: layout.first_run]
        self._of_runs = whole[layout.first_run : layout.first_pair]
        self.pairs = whole[layout.first_pair : layout.first_kind]
        """Weights of pairs of words, in units."""
        self._kinds = whole[layout.first_kind :]
        self._counts_kinds = counts_kinds
        self._layout = layout
        self._packing = Packing(weights.shape[1], counts_kinds * len(KINDS))
        # No subclass: `set.difference` looks words up in a plain dictionary alone.
        self._sums: dict[bytes, int] = {}
        self._older: dict[bytes, int] = {}
        self._n_learned_bytes = 0
        for first in range(0, len(vocabulary), _TOGETHER):
            self._learn(vocabulary[first : first + _TOGETHER])
        self._n_known = len(self._sums)
        self._n_learned_bytes = 0

    def __len__(self) -> int:
        return len(self._sums) + len(self._older)

    def add_up(self, words: set[bytes]) -> tuple[Sequence[int], NDArray[np.uint8]]:
        """What words add to each output, in units, and how many are of each kind where these are counted.

        The counts are good until the next call.
        """
        sums = self._sums
        if len(sums) - self._n_known + len(words) > MAX_LEARNED or self._n_learned_bytes > MAX_LEARNED_BYTES:
            self._forget()
        # Most texts have a few new words: summed together they take half the time.
        if new := words.difference(sums):
            self._meet(new)
        return self._packing.unpack(sum(map(sums.__getitem__, words), self._packing.zero))

    def _forget(self) -> None:
        """Forget what was not met since the last time: to know the least used would cost each lookup more."""
        sums = self._sums
        self._older = {word: sums.pop(word) for word in list(sums)[self._n_known :]}
        self._n_learned_bytes = 0

    def _meet(self, new: set[bytes]) -> None:
        """Recall words that were not met since the last time, and learn the others."""
        if self._older and (known := self._older.keys() & new):
            self._sums.update((word, self._older.pop(word)) for word in known)
            self._n_learned_bytes += sum(map(len, known))
            new = new - known
        if new:
            self._learn(list(new))

    def _learn(self, words: Sequence[bytes]) -> None:
        totals = self._weights.take([word_bucket(word, self._layout) for word in words], 0)
        if self._layout.run_bits:
            runs = runs_of(words, self._layout)
            totals = totals + np.add.reduceat(self._of_runs.take(runs.buckets, 0).astype(np.int64), runs.starts)
        sums, pack = self._sums, self._pack
        for word, total in zip(words, totals.tolist(), strict=True):
            self._n_learned_bytes += len(word)
            sums[word] = pack(word, total)

    def _pack(self, word: bytes, total: Sequence[int]) -> int:
        """The sums of a word, as they are kept; itself and its runs add up to a total, one number for each output."""
        kinds = KINDS_OF.get(word)
        if kinds is None:
            return self._packing.pack(total)
        total = (self._kinds.take(kinds, 0).sum(axis=0) + total).tolist()
        return self._packing.pack(total, kinds if self._counts_kinds else ())
