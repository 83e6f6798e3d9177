"""Whether an answer through the gateway is the one the upstream gives directly."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from suffice.config.document import Value
from suffice.wire.sse import Splitter

IGNORED_KEYS = frozenset({"id", "created", "system_fingerprint"})
"""What every answer has anew."""

_POSITION = re.compile(r"\[\d+\]")
_MAX_TEXT = 60


class Likeness(StrEnum):
    """How alike two answers are."""

    SAME = "same"
    SAME_SHAPE = "same shape"
    """The upstream does not answer the same twice, but what it sends has the same form."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison found."""

    likeness: Likeness
    where: tuple[str, ...] = ()
    """The differences, one to a line."""


Leaves = Mapping[str, Any]
"""Every single value of a document by its path: `body.choices[0].finish_reason`."""


def compare(direct: Answer, again: Answer, routed: Answer) -> Comparison:
    """Compare an answer through the gateway with two direct ones.

    Where the direct ones are equal, the third must equal them. Where they are not, only the form can be compared:
    which fields there are and of which types, and whatever stands outside of lists and did not change.

    Args:
        direct: The upstream's answer.
        again: Its answer to the same call once more.
        routed: The answer through the gateway.
    """
    one, other, third = read_leaves(direct), read_leaves(again), read_leaves(routed)
    differences = _differences(one, third)
    if not differences:
        return Comparison(likeness=Likeness.SAME)
    if one == other:
        return Comparison(likeness=Likeness.DIFFERENT, where=tuple(differences))
    if third == other:
        return Comparison(likeness=Likeness.SAME)
    stable = {path: value for path, value in one.items() if "[" not in path and other.get(path, ...) == value}
    differences = _differences(stable, {path: third[path] for path in stable if path in third})
    differences += _form_differences(_form(one), _form(other), _form(third))
    if differences:
        return Comparison(likeness=Likeness.DIFFERENT, where=tuple(differences))
    return Comparison(likeness=Likeness.SAME_SHAPE)


def read_leaves(answer: Answer) -> Leaves:
    """Read an answer without what may differ: ids, times, and the `suffice` object of a usage chunk."""
    is_stream = answer.content_type.startswith("text/event-stream")
    body = _read_events(answer.body) if is_stream else _read_json(answer.body)
    document: Value = {"status": answer.status, "content-type": answer.content_type, "body": body}
    return dict(_flatten(document, ""))


def _read_events(body: bytes) -> Value:
    splitter = Splitter()
    events = list(splitter.feed(body))
    documents = [_without_own(_read_json(event.data)) for event in events if event.data and not event.is_done]
    is_closed = bool(events) and events[-1].is_done
    return {"events": documents, "ends with [DONE]": is_closed, "rest": splitter.pending.decode("utf-8", "replace")}


def _without_own(chunk: Value) -> Value:
    if isinstance(chunk, dict) and "usage" in chunk:
        return {key: value for key, value in chunk.items() if key != "suffice"}
    return chunk


def _read_json(content: bytes) -> Value:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def _flatten(value: Value, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if key not in IGNORED_KEYS:
                yield from _flatten(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for position, item in enumerate(value):
            yield from _flatten(item, f"{path}[{position}]")
    else:
        # True == 1 == 1.0 in Python, not in JSON.
        yield path, (type(value).__name__, value)


def _differences(one: Leaves, other: Leaves) -> list[str]:
    paths = [*one, *(path for path in other if path not in one)]
    return [
        f"{path}: directly {_show(one, path)}, through the gateway {_show(other, path)}"
        for path in paths
        if one.get(path, ...) != other.get(path, ...)
    ]


def _form(leaves: Leaves) -> dict[str, set[str]]:
    """The types that stand at each path, positions in lists aside."""
    form: dict[str, set[str]] = {}
    for path, (kind, _) in leaves.items():
        form.setdefault(_POSITION.sub("[]", path), set()).add(kind)
    return form


def _form_differences(
    one: Mapping[str, set[str]], other: Mapping[str, set[str]], third: Mapping[str, set[str]]
) -> list[str]:
    """What the third has that neither of the first two has, or lacks that both have."""
    found: list[str] = []
    for path in dict.fromkeys([*one, *other, *third]):
        first, second, got = one.get(path, set()), other.get(path, set()), third.get(path, set())
        if got - first - second:
            found.append(f"{path}: only through the gateway: {', '.join(sorted(got - first - second))}")
        if (first & second) - got:
            found.append(f"{path}: only directly: {', '.join(sorted((first & second) - got))}")
    return found


def _show(leaves: Leaves, path: str) -> str:
    if path not in leaves:
        return "nothing"
    text = json.dumps(leaves[path][1], ensure_ascii=False)
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
