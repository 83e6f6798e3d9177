"""Character and word n-grams, hashed: an encoder without model, download or dictionary.

Source:
    Weinberger et al. 2009, "Feature hashing for large scale multitask learning"; sublinear term frequency as in
    Manning, Raghavan and Schütze 2008, "Introduction to information retrieval", section 6.4.1.
"""

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.encoders.encoder import normalise, readable

_WORD = re.compile(r"\w+|[^\w\s]")
_SPACES = re.compile(r"\s+")
_CHAR_SIZES = (3, 4, 5)
_MAX_CHARS = 8_192
_BITS = 12
_MULTIPLIER = np.uint32(0x9E3779B1)
_DAMPED = np.log1p(np.arange(256)).astype(np.float32)


class HashedEncoder:
    """Words, pairs of words, and runs of three to five bytes, each half of the vector's weight.

    A vector has 8,192 numbers: 4,096 for words, 4,096 for characters. None is negative, so no cosine is either.
    """

    version = "hashed-1"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, shape (n, 8192), each row of unit length; about 0.1 ms for 400 tokens."""
        rows = np.empty((len(texts), 2, 1 << _BITS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            plain = readable(text, max_chars=_MAX_CHARS).lower()
            row[0] = _weigh(_hash_words(plain))
            row[1] = _weigh(_hash_characters(plain))
        halves = normalise(rows.reshape(-1, 1 << _BITS))
        return normalise(halves.reshape(len(texts), 2 << _BITS))


def _weigh(hashes: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Frequencies of the buckets, damped by a logarithm, shape (4096,)."""
    counts = np.bincount(hashes >> np.uint32(32 - _BITS), minlength=1 << _BITS)
    return _DAMPED[np.minimum(counts, _DAMPED.size - 1)]


def _hash_words(text: str) -> NDArray[np.uint32]:
    """Hashes of the words and of neighbouring pairs, shape (2 n + 1,)."""
    words = [crc32(word.encode()) for word in _WORD.findall(text)]
    # The ends count as words, so that the first word of a request, often its verb, weighs more than the others.
    ends = np.array([0, *words, 0], dtype=np.uint32)
    pairs = ends[:-1] * np.uint32(31) + ends[1:]
    return np.concatenate([ends[1:-1], pairs]) * _MULTIPLIER


def _hash_characters(text: str) -> NDArray[np.uint32]:
    """Hashes of all runs of three, four and five bytes, white space joined; never empty."""
    raw = np.frombuffer(f"  {_SPACES.sub(' ', text)}  ".encode(), dtype=np.uint8).astype(np.uint32)
    hashes: list[NDArray[np.uint32]] = []
    for size in _CHAR_SIZES:
        if raw.size < size:
            break
        n = raw.size - size + 1
        rolling = np.full(n, size, dtype=np.uint32)
        for offset in range(size):
            rolling = rolling * np.uint32(0x01000193) ^ raw[offset : offset + n]
        # The high bits choose the bucket, and only a multiplication carries every byte up to them.
        hashes.append((rolling ^ rolling >> np.uint32(15)) * _MULTIPLIER)
    return np.concatenate(hashes)
