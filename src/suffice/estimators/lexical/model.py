"""A linear model over words, served in microseconds: what a word contributes is summed once and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.features import OPENING_OF
from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.surface import SURFACE, measure
from suffice.estimators.lexical.wordkinds import KINDS_OF
from suffice.estimators.lexical.words import hash_words, pair_buckets, read, runs, word_buckets

MAX_WORDS = 32_768
"""Words that are kept at most; a text has 4,097 different ones at most."""

MAX_WORD_BYTES = 2 << 20
"""Bytes of kept words at most: some languages have no spaces, and their words are whole sentences."""

MAX_WEIGHT = 60_000
"""What 16 bits hold, and far more than any estimate needs."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds to an output."""

    feature: str
    value: float


class Lexical:
    """Outputs = intercepts + features @ weights, for the features of `lexical.features`, without building these.

    The sum over a word's columns is kept from one call to the next, for a bounded number of words. What is kept never
    changes an output, not in its last bit. Not thread-safe: it belongs to one event loop.
    """

    def __init__(self, weights: NDArray[np.floating], intercepts: NDArray[np.floating], layout: Layout) -> None:
        """Take a trained model.

        Args:
            weights: Shape (layout.n_columns, n_outputs).
            intercepts: Shape (n_outputs,).
            layout: Which column is which feature.

        Raises:
            ValueError: The shapes do not fit, or a weight is beyond `MAX_WEIGHT`.
        """
        if weights.ndim != 2 or weights.shape[0] != layout.n_columns or intercepts.shape != weights.shape[1:]:
            raise ValueError(
                f"need weights ({layout.n_columns}, n) and intercepts (n,); got {weights.shape} and {intercepts.shape}"
            )
        if not bool(np.all(np.abs(weights) <= MAX_WEIGHT)):
            raise ValueError(f"a weight is beyond {MAX_WEIGHT} or is no number")
        self._layout = layout
        self._weights = np.ascontiguousarray(weights, dtype=np.float32)
        self._intercepts = intercepts.astype(np.float64)
        self._runs = self._weights[layout.first_run : layout.first_pair]
        self._kinds = self._weights[layout.first_kind : layout.first_opening]
        self._pairs = self._weights[layout.first_pair : layout.first_kind]
        self._surface = self._weights[layout.first_surface :].astype(np.float64)
        openings = self._weights[layout.first_opening : layout.first_surface].astype(np.float64)
        self._openings: Mapping[bytes, NDArray[np.float64]] = {
            word: openings[index] for word, index in OPENING_OF.items()
        }
        self._places: dict[bytes, int] = {}
        self._n_word_bytes = 0
        self._sums = np.empty((MAX_WORDS, weights.shape[1]))
        self._hashes = np.empty(MAX_WORDS, dtype=np.uint64)

    @property
    def n_outputs(self) -> int:
        """How many numbers a text gets."""
        return self._intercepts.size

    @property
    def n_kept_words(self) -> int:
        """Words whose sums are kept."""
        return len(self._places)

    def __call__(self, text: str) -> list[float]:
        """The outputs of a text; finite for every text."""
        read_text = read(text)
        words = dict.fromkeys(read_text.words)
        surface = measure(read_text.raw, read_text.lowered, len(read_text.words), len(words))
        outputs = self._intercepts + surface @ self._surface
        if words:
            places = self._find(words)
            total = np.add.reduce(self._sums.take(places, axis=0), axis=0)
            if self._layout.pair_bits:
                pairs = pair_buckets(self._hashes.take(places), self._layout)
                total += np.add.reduce(self._pairs.take(pairs, axis=0), axis=0)
            total /= sqrt(places.size)
            outputs += total
            opening = self._openings.get(read_text.words[0])
            if opening is not None:
                outputs += opening
        return outputs.tolist()

    def contributions(self, text: str, typical: NDArray[np.floating], output: int = 0) -> list[Contribution]:
        """What each word, pair, opening and measure adds to an output.

        Args:
            text: Any text.
            typical: Surface measures of a typical text, shape (len(SURFACE),). What is added is the difference to it.
            output: Which output.

        Returns:
            Contributions whose sum is the output less that of a text without words that looks typical. A word's
            includes its runs of bytes and its kinds.
        """
        read_text = read(text)
        words = list(dict.fromkeys(read_text.words))
        surface = measure(read_text.raw, read_text.lowered, len(read_text.words), len(words))
        counts = [f"count: {name}" for name in SURFACE]
        found = list(zip(counts, ((surface - typical) * self._surface[:, output]).tolist(), strict=True))
        if words:
            places = self._find(words)
            scale = sqrt(len(words))
            names = [word.decode("utf-8", "replace") for word in words]
            found += zip(names, (self._sums[places, output] / scale).tolist(), strict=True)
            pairs = pair_buckets(self._hashes[places], self._layout)
            joined = [f"{first} {second}" for first, second in pairwise(names)]
            found += zip(joined, (self._pairs[pairs, output] / scale).tolist(), strict=True)
            opening = self._openings.get(words[0])
            found += [] if opening is None else [(f"first word: {names[0]}", float(opening[output]))]
        return [Contribution(name, value) for name, value in found]

    def _find(self, words: Mapping[bytes, None] | Sequence[bytes]) -> NDArray[np.intp]:
        """Places of different words among the kept ones, shape (n,); those that are not kept yet are added."""
        try:
            return np.fromiter(map(self._places.__getitem__, words), dtype=np.intp, count=len(words))
        except KeyError:
            self._keep(words)
        return np.fromiter(map(self._places.__getitem__, words), dtype=np.intp, count=len(words))

    def _keep(self, words: Mapping[bytes, None] | Sequence[bytes]) -> None:
        places = self._places
        new = [word for word in words if word not in places]
        if len(places) + len(new) > MAX_WORDS or self._n_word_bytes + sum(map(len, new)) > MAX_WORD_BYTES:
            # All at once: to know the least used ones would cost each lookup more than this costs in all.
            places.clear()
            self._n_word_bytes = 0
            new = list(words)
        first = len(places)
        self._hashes[first : first + len(new)] = hash_words(new)
        self._sums[first : first + len(new)] = self._sum_columns(new, self._hashes[first : first + len(new)])
        places.update(zip(new, range(first, first + len(new)), strict=True))
        self._n_word_bytes += sum(map(len, new))

    def _sum_columns(self, words: Sequence[bytes], hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Sums of the weights of each word's columns, shape (n_words, n_outputs)."""
        found = runs(words, self._layout)
        sums = np.add.reduceat(self._runs.take(found.buckets, axis=0), found.starts, axis=0, dtype=np.float64)
        sums += self._weights.take(word_buckets(hashes, self._layout), axis=0)
        for place, word in enumerate(words):
            for kind in KINDS_OF.get(word, ()):
                sums[place] += self._kinds[kind]
        return sums
