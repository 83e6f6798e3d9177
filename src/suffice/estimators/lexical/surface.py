"""What a text looks like, whatever its words: lengths, digits, marks, lists of options."""

import re

import numpy as np
from numpy.typing import NDArray

MAX_COUNT = 32_772
"""Bytes of the longest text that is read: 8,193 characters of four bytes. A greater count is taken for this one."""

_CLASSES = {
    "lower": b"abcdefghijklmnopqrstuvwxyz",
    "upper": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digits": b"0123456789",
    "spaces": b" \t",
    "line_breaks": b"\n",
    "operators": b"+-*/=<>^|~%",
    "brackets": b"()[]{}",
    "code_marks": b"_;#&@`",
    "formula_marks": b"$\\",
    "quotes": b"\"'",
    "stops": b".,:!",
    "question_marks": b"?",
    "other_scripts": bytes(range(0x80, 0x100)),
}

SURFACE = (*_CLASSES, "words", "different_words", "options", "code_fences")
"""Names of the measures, in the order of `measure`."""

_SECOND_IN_LINE = re.compile(rb"b\)")
_SECOND_BELOW = re.compile(rb"\n(?:b[.:]|2\.|- )")
"""What stands before the second item of a list, in the usual ways of writing one. Expressions that begin with fixed
bytes are found in a third of the time that `in` takes."""

_LINE_BREAKS, _BRACKETS, _CODE_MARKS = map(list(_CLASSES).index, ("line_breaks", "brackets", "code_marks"))
_UNCLASSED = len(_CLASSES)
_BYTE = np.dtype(np.uint8)


def measure(
    raw: bytes, lowered: bytes, n_words: int, n_different: int, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Measure a text, shape (17,); each value is log(1 + count).

    Args:
        raw: The text in UTF-8.
        lowered: The same in lower case.
        n_words: Words in it.
        n_different: Different ones.
        out: Where to write the measures; None: a new array.
    """
    counts = np.bincount(np.frombuffer(raw.translate(_TABLE), _BYTE), None, len(SURFACE))
    # Each search costs as much as all the rest here, and few texts have what it needs.
    n_options = 0
    if counts[_BRACKETS] and _SECOND_IN_LINE.search(lowered):
        n_options += 1
    if counts[_LINE_BREAKS]:
        n_options += len(set(_SECOND_BELOW.findall(lowered)))
    # The bin of bytes without a class is the first one behind the classes, and is written over.
    counts[_UNCLASSED] = n_words
    counts[_UNCLASSED + 1] = n_different
    counts[_UNCLASSED + 2] = n_options
    counts[_UNCLASSED + 3] = raw.count(b"```") if counts[_CODE_MARKS] else 0
    return _LOGARITHMS.take(counts, None, out, "clip")


def _classify(byte: int) -> int:
    return next((index for index, members in enumerate(_CLASSES.values()) if byte in members), _UNCLASSED)


_TABLE = bytes(map(_classify, range(256)))
_LOGARITHMS = np.log1p(np.arange(MAX_COUNT + 1)).astype(np.float32)
