"""Answers that choose one of a few labels."""

import re
from collections.abc import Sequence

from suffice.lab.checkers.closing import read_field, read_last_line


def chooses(answer: str, label: str, labels: Sequence[str]) -> bool:
    """Whether `label`, and none of the other `labels`, stands in the answer as a word."""
    said = _normalise(answer)
    return [each for each in labels if _names(said, each)] == [label]


def chooses_last(answer: str, label: str, labels: Sequence[str]) -> bool:
    """Whether the closing `Answer:` line, or else the last line, chooses `label` and no other."""
    return chooses(read_field(answer, ["answer"]) or read_last_line(answer), label, labels)


def _normalise(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip().strip(".`\"'* ").lower())


def _names(said: str, label: str) -> bool:
    # An underscore joins words, so that `order` is not found in `cancel_order`.
    return re.search(rf"(?<![a-z_]){re.escape(label.lower())}(?![a-z_])", said) is not None
