"""What a type hint asks for, in words for the person who wrote the file."""

import difflib
from collections.abc import Collection, Iterable, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from msgspec import Meta

from suffice.config.document import Value

_BASES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def expect(hint: Any) -> str:
    """What may stand where `hint` is the type: `a number from 0 to 10`, `one of observe, canary, route`."""
    if get_origin(hint) is Annotated:
        base, *extras = get_args(hint)
        bounds = [_bounds(extra) for extra in extras if isinstance(extra, Meta)]
        return " ".join([expect(base), *filter(None, bounds)])
    choices = choices_of(hint)
    if choices:
        return f"one of {', '.join(choices)}"
    return _BASES.get(hint, "a mapping")


def choices_of(hint: Any) -> Sequence[str]:
    """The texts that a closed set allows; none for anything else."""
    if get_origin(hint) is Literal:
        return [str(choice) for choice in get_args(hint)]
    return [str(member.value) for member in hint] if isinstance(hint, type) and issubclass(hint, Enum) else []


def name_kind(value: Value) -> str:
    """What kind of value stands in the file."""
    if isinstance(value, bool):
        return "true or false"
    if value is None:
        return "nothing"
    kinds: dict[type, str] = {str: "a text", int: "a whole number", float: "a fraction", dict: "a mapping"}
    return kinds.get(type(value), "a list")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    found = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def suggest(name: str, known: Collection[str]) -> str:
    """`; did you mean 'small'?`, or else the names there are."""
    meant = nearest(name, known)
    if meant is not None:
        return f"; did you mean {meant!r}?"
    return f"; known are {', '.join(known)}" if known else "; there are none"


def _bounds(meta: Meta) -> str:
    if meta.pattern is not None:
        return f"of the form {meta.pattern.removeprefix('^').removesuffix('$')}"
    if meta.ge is not None and meta.le is not None:
        return f"from {meta.ge:g} to {meta.le:g}"
    limits = (
        ("of at least", meta.ge),
        ("above", meta.gt),
        ("of at most", meta.le),
        ("below", meta.lt),
    )
    return " and ".join(f"{word} {_plain(limit)}" for word, limit in limits if limit is not None)


def _plain(limit: float) -> str:
    return str(int(limit)) if float(limit).is_integer() else str(limit)
