"""Answers that state what a program prints, or that are JSON."""

import json
import re
from collections.abc import Mapping
from typing import Any

from suffice.lab.checkers.closing import read_field, read_last_line


def is_json(answer: str, expected: Mapping[str, Any]) -> bool:
    """Whether the text from the first `{` to the last `}` is a JSON object equal to `expected`."""
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    if found is None:
        return False
    try:
        return bool(json.loads(found.group()) == expected)
    except (ValueError, RecursionError):
        return False


def outputs_last(answer: str, expected: str) -> bool:
    """Whether the closing `Output:` or `Answer:` line is `expected`, or ends in it if it has over 3 characters.

    Spaces, quotes and a final dot do not count. Without such a line, the last quoted span, box or line is read.
    """
    said = _squeeze(read_field(answer, ["output", "answer"]))
    # An angle bracket is the prompt's own placeholder, repeated.
    if not said or "<" in said:
        said = _squeeze(_read_last_span(answer))
    wanted = _squeeze(expected)
    return said == wanted or (said.endswith(wanted) and len(wanted) > 3)


def _squeeze(text: str) -> str:
    return re.sub(r"[\s`\"']", "", text).rstrip(".")


def _read_last_span(answer: str) -> str:
    spans: list[tuple[str, str, str]] = re.findall(r"`([^`\n]+)`|boxed\{([^}]*)\}|<answer>(.*?)</answer>", answer)
    return next((part for part in spans[-1] if part), "") if spans else read_last_line(answer)
