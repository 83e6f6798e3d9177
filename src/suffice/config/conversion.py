"""A plain tree -> frozen dataclasses, by their type hints, collecting every mistake on the way."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, TypeGuard, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from suffice.config.document import Path, Value
from suffice.config.expectations import choices_of, expect, name_kind, nearest, suggest
from suffice.config.findings import Findings

AnySection = TypeVar("AnySection")


class _NoValue:
    """What a conversion gives where nothing usable stands."""


_NO_VALUE = _NoValue()
_STAND_INS: Mapping[Any, object] = {str: "", int: 0, float: 0.0, bool: False}


def convert(tree: Mapping[str, Value], section: type[AnySection], findings: Findings, path: Path = ()) -> AnySection:
    """Make a section of what stands in the file.

    A value with a mistake is replaced by its default, or by an empty one, so that the checks after this one still
    have a whole section to look at.

    Args:
        tree: What stands in the file.
        section: The dataclass.
        findings: Takes the mistakes: unknown and missing keys, wrong types, values out of range.
        path: Where `tree` stands.
    """
    hints = get_type_hints(section, include_extras=True)
    fields = {field.name: field for field in dataclasses.fields(section)}  # pyright: ignore[reportArgumentType] - sections are dataclasses
    _refuse_unknown(tree, fields, findings, path)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        hint = hints[name]
        required = _is_required(field)
        if name in tree:
            value = _convert_value(tree[name], hint, findings, (*path, name), optional=not required)
        elif required:
            findings.add_broken((*path, name), f"is missing; give {_expect_any(hint)}")
            value = _NO_VALUE
        else:
            continue
        if value is not _NO_VALUE:
            values[name] = value
        elif required:
            values[name] = _stand_in(tree.get(name), hint)
    return section(**values)


def _refuse_unknown(tree: Mapping[str, Value], known: Mapping[str, object], findings: Findings, path: Path) -> None:
    for key in tree:
        if key in known:
            continue
        meant = nearest(key, [name for name in known if name not in tree])
        findings.add_broken((*path, key), f"is no key of this section{suggest(key, [meant] if meant else list(known))}")
        if meant is not None:
            findings.skip((*path, meant))


def _convert_value(value: Value, hint: Any, findings: Findings, path: Path, *, optional: bool = False) -> Any:
    """The value as `hint` says, or `_NO_VALUE`.

    Args:
        value: What stands in the file.
        hint: Its type.
        findings: Takes the mistakes.
        path: Where the value stands.
        optional: Nothing at all, as where every item of a list is commented out, means the default.
    """
    if findings.is_broken(path):
        return _NO_VALUE
    plain = _without_none(hint)
    if value is None and plain is not hint:
        return None
    if dataclasses.is_dataclass(plain):
        return _convert_section({} if value is None else value, plain, findings, path)
    if get_origin(plain) not in _CONTAINERS:
        return _convert_leaf(value, plain, findings, path)
    if value is None and optional:
        return _NO_VALUE
    return _CONTAINERS[get_origin(plain)](value, plain, findings, path)


def _convert_section(value: Value, hint: Any, findings: Findings, path: Path) -> Any:
    return convert(value, hint, findings, path) if _is_mapping(value, hint, findings, path) else _NO_VALUE


def _convert_mapping(value: Value, hint: Any, findings: Findings, path: Path) -> Any:
    if not _is_mapping(value, hint, findings, path):
        return _NO_VALUE
    item_hint = get_args(hint)[1]
    items = {key: _convert_value(item, item_hint, findings, (*path, key)) for key, item in value.items()}
    # A broken profile keeps its name, which keys and aliases refer to; a broken number is left out.
    if dataclasses.is_dataclass(item_hint):
        return {key: _stand_in(None, item_hint) if item is _NO_VALUE else item for key, item in items.items()}
    return {key: item for key, item in items.items() if item is not _NO_VALUE}


def _convert_sequence(value: Value, hint: Any, findings: Findings, path: Path) -> Any:
    if not isinstance(value, list):
        findings.add_broken(path, f"must be a list, one '- ' per item, not {name_kind(value)}")
        return _NO_VALUE
    item_hint = get_args(hint)[0]
    items = [_convert_value(item, item_hint, findings, (*path, index)) for index, item in enumerate(value)]
    # A broken item keeps its position, by which later checks name the others.
    return tuple(_stand_in(None, item_hint) if item is _NO_VALUE else item for item in items)


_CONTAINERS = {Mapping: _convert_mapping, Sequence: _convert_sequence}


def _convert_leaf(value: Value, hint: Any, findings: Findings, path: Path) -> Any:
    try:
        converted = msgspec.convert(value, hint)
    except msgspec.ValidationError:
        findings.add_broken(path, _explain_leaf(value, hint))
        return _NO_VALUE
    if isinstance(converted, float) and not math.isfinite(converted):
        findings.add_broken(path, f"must be {expect(hint)}, and finite")
        return _NO_VALUE
    return converted


def _explain_leaf(value: Value, hint: Any) -> str:
    wanted = expect(hint)
    choices = choices_of(hint)
    if isinstance(value, str) and choices:
        return f"must be {wanted}{suggest(value, choices)}" if nearest(value, choices) else f"must be {wanted}"
    if _base(hint) is str and not isinstance(value, str | dict | list | None):
        return f"must be {wanted}, not {name_kind(value)}; put it in quotes"
    same_kind = type(value) is _base(hint) or (_base(hint) is float and isinstance(value, int | float))
    return f"must be {wanted}" if same_kind else f"must be {wanted}, not {name_kind(value)}"


def _is_mapping(value: Value, hint: Any, findings: Findings, path: Path) -> TypeGuard[dict[str, Value]]:
    if isinstance(value, dict):
        return True
    keys = [field.name for field in dataclasses.fields(hint)] if dataclasses.is_dataclass(hint) else []
    such_as = f" such as '{keys[0]}: …'" if keys else ""
    findings.add_broken(path, f"must be a mapping with keys{such_as}, not {name_kind(value)}")
    return False


def _expect_any(hint: Any) -> str:
    plain = _without_none(hint)
    return "a list" if get_origin(plain) is Sequence else expect(plain)


def _stand_in(value: Value, hint: Any) -> Any:
    """An empty value for `hint`; a text that has only the wrong form stays, as others may refer to it."""
    base = _base(hint)
    if base is str and isinstance(value, str):
        return value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        required = (field.name for field in dataclasses.fields(hint) if _is_required(field))
        return hint(**{name: _stand_in(None, hints[name]) for name in required})
    return _STAND_INS.get(base, ())


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _base(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in (Union, UnionType):
        return hint
    return next(part for part in get_args(hint) if part is not NoneType)
