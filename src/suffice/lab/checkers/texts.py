"""Answers that are a text, or contain a word or a number."""

import re
import unicodedata
from collections.abc import Sequence

from suffice.lab.checkers.closing import read_field

_AROUND = " `\"'*.\u201c\u201d\u2018\u2019"


def equals(answer: str, texts: Sequence[str]) -> bool:
    """Whether the whole answer is one of `texts`, after `normalise`."""
    return normalise(answer) in {normalise(text) for text in texts}


def normalise(answer: str) -> str:
    """The answer in lower case, with single spaces, without quotes, emphasis or a full stop around it (after NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", answer).casefold().split()).strip(_AROUND)


def contains(answer: str, words: Sequence[str]) -> bool:
    """Whether one of `words` stands in the answer, in the same case; one that begins like a word must be whole."""
    return any(_stands(answer, word) for word in words)


def states_number(answer: str, expected: float) -> bool:
    """Whether the last number of the answer is `expected`; commas and dollar signs are ignored."""
    numbers: list[str] = re.findall(r"-?\d[\d,]*\.?\d*", answer.replace("$", ""))
    return bool(numbers) and abs(float(numbers[-1].replace(",", "").rstrip(".")) - expected) < 1e-6


def states_last_number(answer: str, expected: float) -> bool:
    r"""As `states_number`, of the closing `Answer:` line; without digits there, of the last `\boxed{}`, then of all."""
    said = read_field(answer, ["answer"])
    if not re.search(r"\d", said):
        boxed: list[str] = re.findall(r"boxed\{([^}]*)\}", answer)
        said = boxed[-1] if boxed else answer
    return states_number(said, expected)


def _stands(answer: str, word: str) -> bool:
    pattern = re.escape(word)
    if word[0].isalnum():
        pattern = rf"(?<![\w.]){pattern}(?![\w])"
    return re.search(pattern, answer) is not None
