"""A linear model over words, served in microseconds: what a word contributes is summed once and kept."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.features import OPENING_OF
from suffice.estimators.lexical.landmarks import Landmarks
from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.shapes import Contribution, join_shape, merge, trace
from suffice.estimators.lexical.shapesums import NO_OPENING, ShapeSums
from suffice.estimators.lexical.surface import SURFACE, measure
from suffice.estimators.lexical.words import find_pairs, read
from suffice.estimators.lexical.wordsums import MAX_VOCABULARY, WordSums

MAX_WEIGHT = 60_000
"""What 16 bits hold, and far more than any estimate needs."""


class Lexical:
    """Outputs = intercepts + features @ weights, for the features of `lexical.features`, without building these.

    The sum over a word's columns is kept from one call to the next, for a bounded number of words. What is kept never
    changes an output, not in its last bit. Not thread-safe: it belongs to one event loop.
    """

    def __init__(
        self,
        weights: NDArray[np.floating],
        intercepts: NDArray[np.floating],
        layout: Layout,
        vocabulary: Sequence[bytes] = (),
        landmarks: Landmarks | None = None,
    ) -> None:
        """Take a trained model.

        Args:
            weights: Shape (layout.n_columns, n_outputs).
            intercepts: Shape (n_outputs,).
            layout: Which column is which feature.
            vocabulary: Words to know from the start, which saves time and changes nothing else.
            landmarks: What the text's shape adds, which is its columns from `layout.first_kind` on; None: nothing.

        Raises:
            ValueError: The shapes do not fit, a weight is beyond `MAX_WEIGHT`, or the vocabulary is longer than
                `MAX_VOCABULARY` or no list of different words.
        """
        if weights.ndim != 2 or weights.shape[0] != layout.n_columns or intercepts.shape != weights.shape[1:]:
            raise ValueError(
                f"need weights ({layout.n_columns}, n) and intercepts (n,); got {weights.shape} and {intercepts.shape}"
            )
        if not bool(np.all(np.abs(weights) <= MAX_WEIGHT)):
            raise ValueError(f"a weight is beyond {MAX_WEIGHT} or is no number")
        if len(vocabulary) > MAX_VOCABULARY or len(set(vocabulary)) < len(vocabulary) or not all(vocabulary):
            raise ValueError(f"the vocabulary must be {MAX_VOCABULARY} different words at most; got {len(vocabulary)}")
        if landmarks is not None and landmarks.places.shape[1] != layout.n_columns - layout.first_kind:
            raise ValueError(f"landmarks of {landmarks.places.shape[1]} measures do not fit the layout")
        if landmarks is not None and landmarks.weights.shape[1] != weights.shape[1]:
            raise ValueError(f"landmarks for {landmarks.weights.shape[1]} outputs, weights for {weights.shape[1]}")
        self._layout = layout
        self._n_outputs = weights.shape[1]
        weights = np.ascontiguousarray(weights, dtype=np.float32)
        self._openings = weights[layout.first_opening : layout.first_surface].copy()
        self._surface = weights[layout.first_surface :].copy()
        self._landmarks = landmarks
        self._shape = ShapeSums(intercepts.astype(np.float64), self._openings, self._surface, landmarks)
        self._words = WordSums(weights, layout, vocabulary, counts_kinds=landmarks is not None)

    @property
    def n_outputs(self) -> int:
        """How many numbers a text gets."""
        return self._n_outputs

    def __call__(self, text: str) -> list[float]:
        """The outputs of a text; finite for every text."""
        raw, lowered, words = read(text)
        different = set(words)
        n_words = len(different)
        measure(raw, lowered, len(words), n_words, self._shape.surface)
        totals, kinds = self._words.add_up(different)
        if not n_words:
            return self._shape.add_up(kinds, 0, NO_OPENING)
        by_shape = self._shape.add_up(kinds, n_words, OPENING_OF.get(words[0], NO_OPENING))
        if self._layout.pair_bits:
            totals = self._add_pairs(totals, words)
        share = self._words.unit / sqrt(n_words)
        # They are as many by construction, and to check it again would take longer than to add them.
        return [added + share * total for added, total in zip(by_shape, totals)]  # noqa: B905

    def _add_pairs(self, totals: Sequence[int], words: Sequence[bytes]) -> list[int]:
        pairs = self._words.pairs.take(find_pairs(list(dict.fromkeys(words)), self._layout), axis=0)
        return (np.add.reduce(pairs, axis=0, dtype=np.int64) + totals).tolist()

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
        kinds, opening = None, None
        if words:
            names = [word.decode("utf-8", "replace") for word in words]
            added = [self._words.add_up({word})[0][output] * self._words.unit / sqrt(len(words)) for word in words]
            found += zip(names, added, strict=True)
            found += self._of_pairs(words, names, output)
            kinds, opening = self._words.add_up(set(words))[1] / sqrt(len(words)), OPENING_OF.get(words[0])
            if opening is not None:
                found.append((f"first word: {names[0]}", float(self._openings[opening, output])))
        if self._landmarks is not None:
            shape = join_shape(surface, kinds, opening)
            found += trace(self._landmarks, join_shape(typical, None, None), shape, output)
        return merge(found)

    def _of_pairs(self, words: Sequence[bytes], names: Sequence[str], output: int) -> Iterator[tuple[str, float]]:
        weights = self._words.pairs[find_pairs(words, self._layout), output] * (self._words.unit / sqrt(len(words)))
        joined = [f"{first} {second}" for first, second in pairwise(names)] if self._layout.pair_bits else []
        return zip(joined, weights.tolist(), strict=True)
