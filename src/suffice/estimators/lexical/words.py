"""From a text to its words, and from words to columns: what training and serving share.

Everything within a word depends on the word alone, so its columns can be computed once and its weights summed once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.layout import Layout

MAX_CHARS = 8_192
"""Of a longer text only the first and the last half of this many characters are read."""

RUNS = (3, 4, 5)
"""Lengths of the runs of bytes, counted with one space before and one behind the word."""

_WORD_BYTES = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz").union(range(0x80, 0x100))
_SEPARATE = bytes(byte if byte in _WORD_BYTES else 0x20 for byte in range(256))
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_PAIR_MULTIPLIER = np.uint64(0xC2B2AE3D27D4EB4F)
_MASKS = np.array([(1 << 8 * size) - 1 for size in RUNS], dtype=np.uint64)
_LEAST_BYTES_LEFT = np.array(RUNS) - 1


@dataclass(frozen=True, slots=True)
class Text:
    """A text, read."""

    raw: bytes
    """In UTF-8, cut to what is read."""
    lowered: bytes
    words: list[bytes]
    """In lower case, in their order."""


def read(text: str) -> Text:
    """Read a text of any kind: words are runs of letters and digits of any script, white space and marks part them."""
    if len(text) > MAX_CHARS:
        text = f"{text[: MAX_CHARS // 2]}\n{text[-MAX_CHARS // 2 :]}"
    lowered = text.lower().encode("utf-8", "replace")
    return Text(text.encode("utf-8", "replace"), lowered, lowered.translate(_SEPARATE).split())


def hash_words(words: Sequence[bytes]) -> NDArray[np.uint64]:
    """Hashes of words, shape (n,)."""
    return np.fromiter(map(crc32, words), dtype=np.uint64, count=len(words)) * _MULTIPLIER


def pair_buckets(hashes: NDArray[np.uint64], layout: Layout) -> NDArray[np.intp]:
    """Of neighbouring pairs among words with these hashes: columns from `layout.first_pair` on, shape (n - 1,)."""
    if not layout.pair_bits:
        return np.empty(0, dtype=np.intp)
    pairs = hashes[:-1] * _PAIR_MULTIPLIER
    pairs += hashes[1:]
    pairs >>= np.uint64(64 - layout.pair_bits)
    return pairs.view(np.intp)


def word_buckets(hashes: NDArray[np.uint64], layout: Layout) -> NDArray[np.intp]:
    """Columns of whole words with these hashes, shape (n,)."""
    return (hashes >> np.uint64(64 - layout.word_bits)).view(np.intp)


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of bytes within words, word by word."""

    buckets: NDArray[np.intp]
    """Columns from `layout.first_run` on; a word that has a run twice has it twice."""
    sizes: NDArray[np.intp]
    """How many each word has, shape (n_words,), none 0."""

    @property
    def starts(self) -> NDArray[np.intp]:
        """Where each word's runs begin, shape (n_words,)."""
        return np.cumsum(self.sizes) - self.sizes


def runs(words: Sequence[bytes], layout: Layout) -> Runs:
    """Every run of three to five bytes in each word with a space before and behind it, as `char_wb` of scikit-learn.

    Args:
        words: One or more, none empty.
        layout: Says how many buckets there are.
    """
    joined = b" %b " % b" ".join(words)
    # Eight bytes from every place on, as one number: its lowest bytes are the run that begins there.
    ahead = np.ndarray((len(joined) - 1, 1), dtype="<u8", buffer=joined + bytes(8), strides=(1, 1))
    # A word has the places from the space before it to its last byte, and at each the runs up to the space behind it.
    n_places = np.fromiter(map(len, words), dtype=np.intp, count=len(words)) + 1
    n_bytes_left = np.repeat(np.cumsum(n_places), n_places) - np.arange(len(joined) - 1)
    keys = (ahead & _MASKS)[n_bytes_left[:, None] >= _LEAST_BYTES_LEFT]
    keys *= _MULTIPLIER
    keys >>= np.uint64(64 - layout.run_bits)
    # Of n letters n runs of three, n - 1 of four and n - 2 of five, and of a single letter one run.
    return Runs(keys.view(np.intp), np.maximum(3 * n_places - 6, 1))
