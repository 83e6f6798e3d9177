"""What a JSON body may not be, though parsers disagree about it: the places where requests are smuggled.

Two parsers that read one body differently send it two ways: the gateway routes what the first sees, the upstream
answers what the second sees. So a key that stands twice in one object is refused, and so is deep nesting.
"""

import json
from typing import Any

import msgspec

from suffice.errors import RequestError

MAX_DEPTH = 64
"""Nesting of objects and arrays; real tool schemas stay far below."""


_BYTES_PER_OBJECT = 3_000
"""Where objects are longer on average, looking at each takes less time than writing the document anew."""

_BEYOND_DEPTH = b"\n" + b" " * MAX_DEPTH

Document = dict[str, Any]

_ASCII = json.JSONEncoder(separators=(",", ":")).encode
"""As many clients write: everything but ASCII is escaped."""

_DOCUMENT = msgspec.json.Decoder(Document)


def check_document(body: bytes) -> Document | None:
    """Refuse bodies that two parsers may read differently.

    Returns:
        The document, where it was read on the way.

    Raises:
        RequestError: Not UTF-8, not JSON, not an object, a key twice in one object, or nested over `MAX_DEPTH`.
    """
    document = _read_plain(body)
    if document is None:
        _check_each(body)
    return document


def _read_plain(body: bytes) -> Document | None:
    """The document, where it is certain at little cost that nothing is wrong with it; None: it must be looked at.

    Read, and written anew, a document is the same but for white space, unless a key stood twice: then one of them is
    gone. (Or it writes characters or numbers in another way than usual; such ones are looked at.) This takes a fifth
    of the time, as no code of ours runs for each object.
    """
    n_objects = body.count(b"{")
    if len(body) > _BYTES_PER_OBJECT * n_objects:
        return None
    try:
        document = _DOCUMENT.decode(body)
        compact = msgspec.json.format(body, indent=-1)
        is_same = msgspec.json.encode(document) == compact or (b"\\u" in body and _ASCII(document).encode() == compact)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    is_flat = n_objects + body.count(b"[") <= MAX_DEPTH or _is_flat(body)
    return document if is_same and is_flat else None


def _is_flat(body: bytes) -> bool:
    """Whether JSON certainly nests no deeper than `MAX_DEPTH`."""
    # A line for each value, with one space in front for each level: a text never has a line break as such.
    return _BEYOND_DEPTH not in msgspec.json.format(body, indent=1)


def _check_each(body: bytes) -> None:
    """Look at each object."""
    try:
        document = _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise RequestError(f"the body nests deeper than {MAX_DEPTH} levels") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RequestError(f"the body is not valid JSON: {error.msg} at {where}") from error
    if not isinstance(document, _Nested):
        raise RequestError(f"the body must be a JSON object, not {_kind(document)}")


class _Nested:
    """An object, as far as its depth is concerned."""

    __slots__ = ("depth",)

    def __init__(self, depth: int) -> None:
        self.depth = depth


def _read_object(pairs: list[tuple[str, object]]) -> _Nested:
    if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        param = twice[:80].encode(errors="replace").decode()
        raise RequestError(f"the key {twice[:80]!r} stands twice in one object", param=param)
    depth = 1 + max((_depth(value) for _, value in pairs), default=0)
    if depth > MAX_DEPTH:
        raise RequestError(f"the body nests deeper than {MAX_DEPTH} levels")
    return _Nested(depth)


def _depth(value: object) -> int:
    if isinstance(value, _Nested):
        return value.depth
    if isinstance(value, list):
        return 1 + max((_depth(item) for item in value), default=0)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - any JSON
    return 0


def _refuse_constant(name: str) -> object:
    raise RequestError(f"the body is not valid JSON: {name} is not a JSON number")


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _leave_number(_: str) -> float:
    """Whatever number it is: its value is not looked at here, and Python refuses to read very long ones."""
    return 0.0


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_int=_leave_number,
    parse_float=_leave_number,
    parse_constant=_refuse_constant,
)
