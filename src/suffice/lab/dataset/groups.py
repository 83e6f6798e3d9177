"""Prompt groups: near-duplicates belong together, and nothing that measures may part them.

Two texts are near-duplicates where their sets of 3-word shingles have a Jaccard similarity of .7 or more; groups are
transitive.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from suffice.lab.dataset.form import Query
from suffice.lab.dataset.similarity import join_similar
from suffice.lab.dataset.texts import read_user_text

SIMILAR_TENTHS = 7
SHINGLE_WORDS = 3

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")
_ONE_IN = 5


def normalise(text: str) -> str:
    """The text's words in lower case, one space between them; a text without words keeps its signs.

    Unicode is brought to NFKC first. A Chinese or Japanese character counts as a word.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORD.findall(folded)) or " ".join(folded.split())


def group_queries(queries: Sequence[Query]) -> list[str]:
    """The group of each query, by all that its user says.

    Raises:
        DatasetError: The extra `lab` is not installed.
    """
    return group_texts([read_user_text(query) for query in queries])


def group_texts(texts: Sequence[str]) -> list[str]:
    """The group of each text; neither the order nor repetitions of texts change it.

    Texts of fewer than three words are in one group if they are equal after normalising.

    Returns:
        Names of groups: the SHA-256, in hexadecimal, of the group's smallest normalised text.

    Raises:
        DatasetError: The extra `lab` is not installed.
    """
    normalised = [normalise(text) for text in texts]
    unique = sorted(set(normalised))
    roots: list[int] = join_similar([_shingle(text) for text in unique], SIMILAR_TENTHS).tolist()
    # `unique` is sorted and a root is its group's lowest index, so that a root is also the smallest text.
    names = {text: _digest(unique[root]) for text, root in zip(unique, roots, strict=True)}
    return [names[text] for text in normalised]


def is_sealed(group: str) -> bool:
    """Whether a group is kept for the last report, which is the only one that opens it.

    It is where the SHA-256 of the group's smallest normalised text (that is the group's name), read as an integer, is
    divisible by 5. Groups depend on the texts they were made of: join sets before grouping where both are used.
    """
    return int(group, 16) % _ONE_IN == 0


def mark_sealed(groups: Iterable[str]) -> NDArray[np.bool_]:
    """Whether each row is of a sealed group, shape (n,)."""
    sealed = cache(is_sealed)
    return np.array([sealed(group) for group in groups], dtype=np.bool_)


def _digest(normalised: str) -> str:
    return sha256(normalised.encode("utf-8", "surrogatepass")).hexdigest()


def _shingle(normalised: str) -> frozenset[str]:
    """Every run of three words; none of a shorter text."""
    words = normalised.split(" ")
    return frozenset(" ".join(words[start : start + SHINGLE_WORDS]) for start in range(len(words) - SHINGLE_WORDS + 1))
