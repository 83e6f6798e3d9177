"""What words add to the outputs, each summed once and kept."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.wordkinds import KINDS, KINDS_OF
from suffice.estimators.lexical.words import pair_hash, run_buckets, runs_of, word_bucket

MAX_VOCABULARY = 32_768
"""Words at most that are known from the start."""

MAX_WORDS = 2 * MAX_VOCABULARY
"""Words that are kept at most; a text has 4,097 different ones at most."""

MAX_LEARNED_BYTES = 2 << 20
"""Bytes of learned words, beyond which these are forgotten: some languages have no spaces, and words like sentences."""

_MANY = 96
"""Words of a text beyond which it pays to look first how many are new."""

_SEVERAL = 8
"""New words beyond which their runs are better summed together."""

_TOGETHER = 4_096
"""Words whose runs are summed at once at most, to bound the memory that this takes."""


class WordSums:
    """Sums of the weights of words' columns: of the vocabulary always, of others for a bounded number."""

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
            counts_kinds: Keep beside each word's sums of what kinds it is.
        """
        self._n_outputs = weights.shape[1]
        self._counts_kinds = counts_kinds
        self._layout = layout
        self._whole = weights[: layout.first_run]
        self._runs = weights[layout.first_run : layout.first_pair]
        self._kinds = weights[layout.first_kind : layout.first_opening]
        self._places = _Places(self._learn)
        self._n_learned_bytes = 0
        self.sums = np.empty((MAX_WORDS, weights.shape[1] + counts_kinds * len(KINDS)))
        """By place, shape (MAX_WORDS, n_outputs), or (MAX_WORDS, n_outputs + n_kinds) where kinds are counted."""
        self.hashes = np.empty(MAX_WORDS, dtype=np.uint64)
        """By place, for the pairs."""
        for first in range(0, len(vocabulary), _TOGETHER):
            self._learn_together(vocabulary[first : first + _TOGETHER])
        self._n_known = len(self._places)
        self._n_learned_bytes = 0

    def __len__(self) -> int:
        return len(self._places)

    def find(self, words: Collection[bytes]) -> NDArray[np.intp]:
        """Places of different words, shape (n,), good until the next call; sums of new ones are made on the way."""
        places = self._places
        if len(places) + len(words) > MAX_WORDS or self._n_learned_bytes > MAX_LEARNED_BYTES:
            self._forget()
        if len(words) > _MANY:
            new = [word for word in words if word not in places]
            if len(new) > _SEVERAL:
                self._learn_together(new)
        return np.fromiter(map(places.__getitem__, words), dtype=np.intp, count=len(words))

    def _forget(self) -> None:
        """Forget what was learned, all at once: to know the least used would cost each lookup more than this in all."""
        for word in list(self._places)[self._n_known :]:
            del self._places[word]
        self._n_learned_bytes = 0

    def _learn(self, word: bytes) -> int:
        of_runs = self._runs.take(run_buckets(word, self._layout), axis=0)
        return self._keep(word, np.add.reduce(of_runs, axis=0, dtype=np.float64))

    def _learn_together(self, words: Sequence[bytes]) -> None:
        runs = runs_of(words, self._layout)
        of_runs = self._runs.take(runs.buckets, axis=0)
        totals = np.add.reduceat(of_runs, runs.starts, axis=0, dtype=np.float64)
        for word, total in zip(words, totals, strict=True):
            self._places[word] = self._keep(word, total)

    def _keep(self, word: bytes, total: NDArray[np.float64]) -> int:
        """Keep a word whose runs add up to a total, shape (n_outputs,), behind all others."""
        place = len(self._places)
        total += self._whole[word_bucket(word, self._layout)]
        self.sums[place, self._n_outputs :] = 0.0
        for kind in KINDS_OF.get(word, ()):
            total += self._kinds[kind]
            if self._counts_kinds:
                self.sums[place, self._n_outputs + kind] = 1.0
        self.sums[place, : self._n_outputs] = total
        if self._layout.pair_bits:
            self.hashes[place] = pair_hash(word)
        self._n_learned_bytes += len(word)
        return place


class _Places(dict[bytes, int]):
    """Places of words; those of new words are asked for."""

    def __init__(self, learn: Callable[[bytes], int]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, word: bytes) -> int:
        place = self[word] = self._learn(word)
        return place
