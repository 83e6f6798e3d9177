"""What a text looks like, whatever its words: lengths, digits, marks, lists of options."""

import numpy as np
from numpy.typing import NDArray

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

_SECOND_OPTIONS = (b"b)", b"\nb.", b"\nb:", b"\n2.", b"\n- ")
"""What stands before the second item of a list, in the usual ways of writing one."""

_UNCLASSED = len(_CLASSES)


def measure(raw: bytes, lowered: bytes, n_words: int, n_different: int) -> NDArray[np.float64]:
    """Measure a text, shape (17,); each value is log(1 + count).

    Args:
        raw: The text in UTF-8.
        lowered: The same in lower case.
        n_words: Words in it.
        n_different: Different ones.
    """
    n_options = 0
    for mark in _SECOND_OPTIONS:
        n_options += mark in lowered
    counts = np.bincount(np.frombuffer(raw.translate(_TABLE), dtype=np.uint8), minlength=len(SURFACE))
    # The bin of bytes without a class is the first one behind the classes, and is written over.
    counts[_UNCLASSED] = n_words
    counts[_UNCLASSED + 1] = n_different
    counts[_UNCLASSED + 2] = n_options
    counts[_UNCLASSED + 3] = raw.count(b"```")
    return np.log1p(counts)


def _classify(byte: int) -> int:
    return next((index for index, members in enumerate(_CLASSES.values()) if byte in members), _UNCLASSED)


_TABLE = bytes(map(_classify, range(256)))
