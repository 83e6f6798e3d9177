"""Checkers: whether an answer is right, where the right answer is known."""

from suffice.lab.checkers.check import (
    Check,
    ChoiceCheck,
    ContainsCheck,
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
    "JsonCheck",
    "LastChoiceCheck",
    "LastNumberCheck",
    "LastOutputCheck",
    "NumberCheck",
    "PythonCheck",
    "is_right",
]
