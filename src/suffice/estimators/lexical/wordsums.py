"""What words add to the outputs, each summed once and kept."""

from collections.abc import Callable, Collection, Sequence
from math import frexp

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.packing import Packing
from suffice.estimators.lexical.wordkinds import KINDS, KINDS_OF
from suffice.estimators.lexical.words import columns_of, runs_of, word_bucket

MAX_VOCABULARY = 32_768
"""Words at most that are known from the start."""

MAX_LEARNED = 8_192
"""Words that are learned before those are forgotten which were learned earlier and not met since; so twice as many are
kept at most. To forget more at once would hold up the event loop. A text has 4,097 different words at most."""

MAX_LEARNED_BYTES = 1 << 20
"""Bytes of learned words that do the same: some languages have no spaces, and words like sentences."""

_MANY = 96
"""Words of a text beyond which it pays to see first how many are new."""

_SEVERAL = 12
"""New words beyond which their runs are better summed together."""

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
        self._weights = whole[: layout.first_pair]
        self.pairs = whole[layout.first_pair : layout.first_kind]
        """Weights of pairs of words, in units."""
        self._kinds = whole[layout.first_kind :]
        self._counts_kinds = counts_kinds
        self._layout = layout
        self._packing = Packing(weights.shape[1], counts_kinds * len(KINDS))
        self._sums = _Sums(self._recall)
        self._older: dict[bytes, int] = {}
        self._n_learned_bytes = 0
        for first in range(0, len(vocabulary), _TOGETHER):
            self._learn_together(vocabulary[first : first + _TOGETHER])
        self._n_known = len(self._sums)
        self._n_learned_bytes = 0

    def __len__(self) -> int:
        return len(self._sums) + len(self._older)

    def add_up(self, words: Collection[bytes]) -> tuple[Sequence[int], NDArray[np.uint8]]:
        """What different words add to each output, in units, and how many are of each kind where these are counted.

        The counts are good until the next call.
        """
        sums = self._sums
        if len(sums) - self._n_known + len(words) > MAX_LEARNED or self._n_learned_bytes > MAX_LEARNED_BYTES:
            self._forget()
        if len(words) > _MANY:
            return self._packing.unpack(self._add_many(words))
        return self._packing.unpack(sum(map(sums.__getitem__, words), self._packing.zero))

    def _add_many(self, words: Collection[bytes]) -> int:
        sums = self._sums
        found = list(map(sums.get, words))
        new = [word for word, packed in zip(words, found, strict=True) if packed is None] if None in found else []
        unknown = [word for word in new if word not in self._older]
        if len(unknown) > _SEVERAL:
            self._learn_together(unknown)
        return sum(map(sums.__getitem__, new), sum(filter(None, found), self._packing.zero))

    def _forget(self) -> None:
        """Forget what was not met since the last time: to know the least used would cost each lookup more."""
        sums = self._sums
        self._older = {word: sums.pop(word) for word in list(sums)[self._n_known :]}
        self._n_learned_bytes = 0

    def _recall(self, word: bytes) -> int:
        """The sums of a word that was not met since the last time."""
        self._n_learned_bytes += len(word)
        packed = self._older.pop(word, None)
        return self._learn(word) if packed is None else packed

    def _learn(self, word: bytes) -> int:
        weights = self._weights.take(columns_of(word, self._layout), 0)
        return self._pack(word, np.add.reduce(weights, 0, np.int64))

    def _learn_together(self, words: Sequence[bytes]) -> None:
        runs = runs_of(words, self._layout)
        of_runs = self._weights[self._layout.first_run :].take(runs.buckets, axis=0)
        totals = np.add.reduceat(of_runs, runs.starts, axis=0, dtype=np.int64)
        totals += self._weights.take([word_bucket(word, self._layout) for word in words], axis=0)
        self._n_learned_bytes += sum(map(len, words))
        for word, total in zip(words, totals, strict=True):
            self._sums[word] = self._pack(word, total)

    def _pack(self, word: bytes, total: NDArray[np.int64]) -> int:
        """The sums of a word, as they are kept; itself and its runs add up to a total, shape (n_outputs,)."""
        kinds = KINDS_OF.get(word, ())
        for kind in kinds:
            total += self._kinds[kind]
        return self._packing.pack(total.tolist(), kinds if self._counts_kinds else ())


class _Sums(dict[bytes, int]):
    """Sums by word; those of words that it does not have are asked for."""

    def __init__(self, recall: Callable[[bytes], int]) -> None:
        super().__init__()
        self._recall = recall

    def __missing__(self, word: bytes) -> int:
        packed = self[word] = self._recall(word)
        return packed
