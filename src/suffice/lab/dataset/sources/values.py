"""Values of foreign documents, taken as what they should be, or as nothing."""

import math
from typing import Any, cast

import msgspec


def as_mapping(value: object) -> dict[str, Any]:
    """An object, also one that stands as JSON in a text; else an empty one."""
    value = decode_nested(value)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """A list, also one that stands as JSON in a text; else an empty one."""
    value = decode_nested(value)
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: object) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def as_number(value: object) -> float | None:
    """A finite number, also one written as text: tables and OTLP have numbers so."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_count(value: object) -> int | None:
    """A whole number, 0 at least."""
    number = as_number(value)
    return None if number is None or number < 0 else int(number)


def decode_nested(value: object) -> object:
    """What a text holds as JSON, if it is an object or list; else the value itself."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value


def drop_none(**fields: object) -> dict[str, Any]:
    """The fields that are known."""
    return {name: value for name, value in fields.items() if value is not None}
