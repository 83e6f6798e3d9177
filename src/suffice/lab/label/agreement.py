"""Whether two answers say the same, where nobody knows which is right."""

import re

import msgspec

from suffice.lab.checkers.closing import read_field
from suffice.lab.checkers.texts import normalise

_FENCE = re.compile(r"```(?:\w+)?\n(.*?)```", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_AROUND_NUMBERS = "$€£% "
_TOLERANCE = 1e-6


def agree(answer: str, reference: str) -> bool:
    """Whether two answers are equal: as JSON values, or else as numbers, or else as texts after `normalise`.

    A closing `Answer:` line stands for the whole answer where both have one.
    """
    parsed = _read_json(answer), _read_json(reference)
    if parsed[0] is not None and parsed[1] is not None:
        return parsed[0].value == parsed[1].value
    closing = read_field(answer, ["answer"]), read_field(reference, ["answer"])
    said, wanted = closing if all(closing) else (answer, reference)
    numbers = _read_number(said), _read_number(wanted)
    if numbers[0] is not None and numbers[1] is not None:
        return abs(numbers[0] - numbers[1]) <= _TOLERANCE * max(1.0, abs(numbers[1]))
    return normalise(said) == normalise(wanted)


class _Json(msgspec.Struct, frozen=True):
    value: object


def _read_json(answer: str) -> _Json | None:
    """The object or list that an answer is, in a fence or without."""
    fenced = _FENCE.fullmatch(answer.strip())
    text = (fenced.group(1) if fenced else answer).strip()
    if not text.startswith(("{", "[")):
        return None
    try:
        return _Json(msgspec.json.decode(text))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _read_number(answer: str) -> float | None:
    """The number that an answer is, currency, per cent and separators aside."""
    text = normalise(answer).strip(_AROUND_NUMBERS)
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else None
