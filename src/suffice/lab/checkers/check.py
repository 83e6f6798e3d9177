"""The kinds of checks, as a workload's `check` field writes them, and the function of each."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from suffice.lab.checkers.choices import chooses, chooses_last
from suffice.lab.checkers.code import passes
from suffice.lab.checkers.outputs import is_json, outputs_last
from suffice.lab.checkers.texts import contains, equals, states_last_number, states_number


class ChoiceCheck(msgspec.Struct, frozen=True, tag_field="type", tag="choice"):
    """The answer names one of the labels and no other."""

    expect: tuple[str, tuple[str, ...]]
    """The right label, and all labels."""


class LastChoiceCheck(msgspec.Struct, frozen=True, tag_field="type", tag="choice_last"):
    """The answer's closing line names one of the labels and no other."""

    expect: tuple[str, tuple[str, ...]]
    """The right label, and all labels."""


class ExactCheck(msgspec.Struct, frozen=True, tag_field="type", tag="exact"):
    """The whole answer is one of the texts; case, spacing, and quotes or a full stop around it do not count."""

    expect: tuple[str, ...]


class ContainsCheck(msgspec.Struct, frozen=True, tag_field="type", tag="contains"):
    """The answer contains one of the words."""

    expect: tuple[Annotated[str, Meta(min_length=1)], ...]


class NumberCheck(msgspec.Struct, frozen=True, tag_field="type", tag="number"):
    """The last number of the answer."""

    expect: float


class LastNumberCheck(msgspec.Struct, frozen=True, tag_field="type", tag="number_last"):
    """The number in the answer's closing line, or in its last box."""

    expect: float


class JsonCheck(msgspec.Struct, frozen=True, tag_field="type", tag="json"):
    """The JSON object in the answer."""

    expect: dict[str, Any]


class LastOutputCheck(msgspec.Struct, frozen=True, tag_field="type", tag="output_last"):
    """The output that the answer's closing line states, spaces and quotes aside."""

    expect: str


class PythonCheck(msgspec.Struct, frozen=True, tag_field="type", tag="python"):
    """The answer's code, followed by these statements, runs to its end."""

    expect: tuple[str, ...]


Check = (
    ChoiceCheck
    | LastChoiceCheck
    | ExactCheck
    | ContainsCheck
    | NumberCheck
    | LastNumberCheck
    | JsonCheck
    | LastOutputCheck
    | PythonCheck
)


def is_right(check: Check, answer: str) -> bool:
    """Whether `answer` passes; python checks run its code in a process of its own."""
    match check:
        case PythonCheck():
            return passes(answer, check.expect)
        case ChoiceCheck() | LastChoiceCheck():
            return _is_chosen(check, answer)
        case NumberCheck() | LastNumberCheck():
            return _is_stated(check, answer)
        case ExactCheck() | ContainsCheck():
            return _is_said(check, answer)
        case JsonCheck():
            return is_json(answer, check.expect)
        case LastOutputCheck():
            return outputs_last(answer, check.expect)


def _is_said(check: ExactCheck | ContainsCheck, answer: str) -> bool:
    return (equals if isinstance(check, ExactCheck) else contains)(answer, check.expect)


def _is_chosen(check: ChoiceCheck | LastChoiceCheck, answer: str) -> bool:
    label, labels = check.expect
    return (chooses if isinstance(check, ChoiceCheck) else chooses_last)(answer, label, labels)


def _is_stated(check: NumberCheck | LastNumberCheck, answer: str) -> bool:
    return (states_number if isinstance(check, NumberCheck) else states_last_number)(answer, check.expect)
