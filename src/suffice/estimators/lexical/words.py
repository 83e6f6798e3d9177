"""From a text to its words, and from words to columns: what training and serving share.

Everything within a word depends on the word alone, so its weights can be summed once and kept.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.layout import Layout

MAX_CHARS = 8_192
"""Of a longer text only the first and the last half of this many characters are read."""

SIZES = (3, 4, 5)
"""Of the runs of bytes, counted with one space before and one behind the word."""

_WORD_BYTES = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz").union(range(0x80, 0x100))
_SEPARATE = bytes(byte if byte in _WORD_BYTES else 0x20 for byte in range(256))
_MULTIPLIER = 0x9E37_79B9_7F4A_7C15
_PAIR_MULTIPLIER = np.uint64(0xC2B2AE3D27D4EB4F)
_SHORT = 48
"""Bytes of a word up to which its runs are cut out one by one: that is faster for few."""


class Text(NamedTuple):
    """A text, read; a tuple because a frozen dataclass takes four times as long to make."""

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


def word_bucket(word: bytes, layout: Layout) -> int:
    """Column of a whole word."""
    return crc32(word) & layout.word_mask


class Runs(NamedTuple):
    """Runs of words, word by word; a run that a word has twice is there twice."""

    buckets: NDArray[np.intp]
    """Columns from `layout.first_run` on."""
    starts: Sequence[int]
    """Where each word's begin."""


def runs_of(words: Sequence[bytes], layout: Layout) -> Runs:
    """Every run of three to five bytes in each word with a space on both sides.

    These are the `char_wb` n-grams of scikit-learn, but of bytes.
    """
    if max(map(len, words), default=0) > _SHORT:
        return _long_runs_of(words, layout)
    runs: list[bytes] = []
    starts: list[int] = []
    for word in words:
        starts.append(len(runs))
        runs += _RUNS[len(word)](b" %b " % word)
    buckets = np.fromiter(map(crc32, runs), np.intp, len(runs))
    buckets &= layout.run_mask
    return Runs(buckets, starts)


def _long_runs_of(words: Sequence[bytes], layout: Layout) -> Runs:
    """The same without a call for each run.

    CRC-32 is linear: that of a run is that of as many zero bytes, changed by what each byte changes in its place.
    """
    joined = np.frombuffer(b" %b " % b" ".join(words), dtype=np.uint8)
    checksums = np.empty((joined.size - 1, len(SIZES)), dtype=np.intp)
    for column, size in enumerate(SIZES):
        n = max(0, joined.size - size + 1)
        checksums[:n, column] = crc32(bytes(size))
        for place in range(size):
            checksums[:n, column] ^= _CHANGES[size - 1 - place].take(joined[place : place + n])
    # Runs of a word begin at the space before it and at each of its bytes, and end with the space behind it at most.
    n_places = np.fromiter(map(len, words), dtype=np.intp, count=len(words)) + 1
    n_bytes_left = np.repeat(np.cumsum(n_places), n_places) - np.arange(joined.size - 1)
    fits = n_bytes_left[:, None] >= np.array(SIZES) - 1
    buckets = checksums[fits] & layout.run_mask
    n_runs = np.add.reduceat(fits.sum(axis=1), np.cumsum(n_places) - n_places)
    return Runs(buckets, (np.cumsum(n_runs) - n_runs).tolist())


def pair_hash(word: bytes) -> int:
    """What `pair_buckets` needs of a word, a number of 64 bits."""
    return crc32(word) * _MULTIPLIER & 0xFFFF_FFFF_FFFF_FFFF


def pair_buckets(hashes: NDArray[np.uint64], layout: Layout) -> NDArray[np.intp]:
    """Of neighbouring pairs among words with these hashes: columns from `layout.first_pair` on, shape (n - 1,)."""
    if not layout.pair_bits:
        return np.empty(0, dtype=np.intp)
    pairs = hashes[:-1] * _PAIR_MULTIPLIER
    pairs += hashes[1:]
    pairs >>= np.uint64(64 - layout.pair_bits)
    return pairs.view(np.intp)


def find_pairs(words: Sequence[bytes], layout: Layout) -> NDArray[np.intp]:
    """Buckets of neighbouring pairs of words, shape (n - 1,)."""
    return pair_buckets(np.fromiter(map(pair_hash, words), dtype=np.uint64, count=len(words)), layout)


def _runs(n_bytes: int) -> Callable[[bytes], Iterable[bytes]]:
    """What cuts its runs out of a word of this length, once it has its spaces."""
    places = range(n_bytes + 2)
    spans = [slice(place, place + size) for place in places for size in SIZES if place + size <= n_bytes + 2]
    return itemgetter(*spans) if len(spans) > 1 else lambda padded: [padded[span] for span in spans]


def _change(byte: int, n_behind: int) -> int:
    """What a byte changes in the CRC-32 of zero bytes, with so many of them behind it."""
    return crc32(bytes([byte]) + bytes(n_behind)) ^ crc32(bytes(1 + n_behind))


_RUNS = tuple(_runs(n_bytes) for n_bytes in range(_SHORT + 1))
_CHANGES = tuple(np.array([_change(byte, n_behind) for byte in range(256)]) for n_behind in range(max(SIZES)))
