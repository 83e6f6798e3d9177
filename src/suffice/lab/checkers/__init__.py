"""Checkers: whether an answer is right, where the right answer is known."""

from suffice.lab.checkers.check import (
    Check,
    ChoiceCheck,
    ContainsCheck,
    ExactCheck,
    JsonCheck,
    LastChoiceCheck,
    LastNumberCheck,
    LastOutputCheck,
    NumberCheck,
    PythonCheck,
    is_right,
)

__all__ = [
    "Check",
    "ChoiceCheck",
    "ContainsCheck",
    "ExactCheck",
    "JsonCheck",
    "LastChoiceCheck",
    "LastNumberCheck",
    "LastOutputCheck",
    "NumberCheck",
    "PythonCheck",
    "is_right",
]
