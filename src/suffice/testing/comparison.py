"""Field by field differences between two JSON documents or event streams."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from suffice.wire.sse import Splitter


def differences(expected: Any, got: Any, path: str = "$") -> list[str]:
    """List every field in which `got` is not `expected`, types and order of keys included.

    Args:
        expected: A value as `json.loads` gives it, or as pydantic's `model_dump` does.
        got: The value to compare.
        path: Where both stand, for the messages.
    """
    if type(expected) is not type(got):
        return [f"{path}: expected {expected!r}, got {got!r}"]
    if isinstance(expected, Mapping):
        return _in_mapping(cast("Mapping[str, Any]", expected), cast("Mapping[str, Any]", got), path)
    if isinstance(expected, list | tuple):
        return _in_sequence(cast("Sequence[Any]", expected), cast("Sequence[Any]", got), path)
    return [] if expected == got else [f"{path}: expected {expected!r}, got {got!r}"]


def _in_mapping(expected: Mapping[str, Any], got: Mapping[str, Any], path: str) -> list[str]:
    found = [f"{path}.{key}: missing" for key in expected if key not in got]
    found += [f"{path}.{key}: unexpected {got[key]!r}" for key in got if key not in expected]
    if not found and list(expected) != list(got):
        found.append(f"{path}: keys are in another order: {list(expected)} became {list(got)}")
    for key in expected:
        if key in got:
            found += differences(expected[key], got[key], f"{path}.{key}")
    return found


def _in_sequence(expected: Sequence[Any], got: Sequence[Any], path: str) -> list[str]:
    found = [] if len(expected) == len(got) else [f"{path}: expected {len(expected)} items, got {len(got)}"]
    for index, (one, other) in enumerate(zip(expected, got, strict=False)):
        found += differences(one, other, f"{path}[{index}]")
    return found


def read_events(body: bytes) -> list[Any]:
    """The events of a whole stream: JSON where it is JSON, else text; a rest without an end comes last as bytes."""
    splitter = Splitter()
    found: list[Any] = []
    for event in splitter.feed(body):
        text = event.data.decode()
        try:
            found.append(json.loads(text))
        except json.JSONDecodeError:
            found.append(text)
    return [*found, splitter.pending] if splitter.pending else found
