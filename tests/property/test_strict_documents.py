"""What is let through at once is what looking at each object lets through, and is read the same."""

import json
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st
from json_documents import written_objects

from suffice.errors import RequestError
from suffice.wire.request import Endpoint, parse
from suffice.wire.strictness import MAX_DEPTH, _check_each, _read_plain, check_document  # pyright: ignore[reportPrivateUsage]

blanks = st.sampled_from(["", "", "", " ", "\n", "\t \r\n"])
pieces = st.sampled_from(
    ["a", "b", '\\"', "\\\\", "\\n", "\\u0061", "\\u00e9", "é", "\\ud83d\\ude80", "🚀", "\\ud800", "\\/",
     "{", "}", "[", ":", ",", " "]
)  # fmt: skip
strings = st.lists(pieces, max_size=4).map(lambda parts: '"' + "".join(parts) + '"')
names = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"A"', '""', '"role"']) | strings
numbers = st.sampled_from(["0", "-0", "1", "1.0", "1e2", "1E2", "0.1", "1e-7", "1e400", "9" * 30, "01", "NaN"])
scalars = numbers | strings | st.sampled_from(["true", "false", "null"])


@st.composite
def joined(draw: st.DrawFn, items: list[str], opening: str, closing: str) -> str:
    space = draw(blanks)
    return f"{opening}{space}" + f"{space},{space}".join(items) + f"{space}{closing}"


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    members = draw(st.lists(st.tuples(names, blanks, inner), max_size=4))
    return draw(joined([f"{name}{blank}:{blank}{value}" for name, blank, value in members], "{", "}"))


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    return draw(joined(draw(st.lists(inner, max_size=4)), "[", "]"))


values = st.recursive(scalars, lambda inner: objects(inner) | arrays(inner), max_leaves=12)
documents = objects(values).map(lambda text: text.encode())


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A document with a few bytes changed."""
    body = bytearray(draw(documents))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 1))] = draw(
            st.binary(max_size=1) | st.sampled_from([b'"', b"\\", b"{", b","])
        )
    return bytes(body)


def refusal_of(body: bytes) -> str | None:
    try:
        _check_each(body)
    except RequestError as error:
        return str(error)
    return None


@given(body=documents | broken())
@example(body=b'{"a":1e2,"a":100}')
@example(body=b'{"a":{"b":1,"b":1}}')
@example(body=b'{"a":1,"\\u0061":1}')
@example(body=b'{"":0,"":0}')
def test_nothing_passes_at_once_that_would_be_refused_on_a_closer_look(body: bytes) -> None:
    document = _read_plain(body)

    if document is not None:
        assert refusal_of(body) is None
        assert document == json.loads(body)


@given(body=documents | broken())
def test_whether_and_why_a_body_is_refused_does_not_depend_on_the_way(body: bytes) -> None:
    said = None
    try:
        check_document(body)
    except RequestError as error:
        said = str(error)

    assert said == refusal_of(body)


@given(written=written_objects(), spaced=st.booleans())
def test_most_documents_pass_at_once(written: tuple[dict[str, Any], bytes], *, spaced: bool) -> None:
    document, _ = written
    written_by_msgspec = msgspec.json.encode(document) + b" \n"
    separators = (", ", ": ") if spaced else (",", ":")
    escaped = json.dumps(without_numbers(document), separators=separators).encode()

    assert _read_plain(written_by_msgspec) == json.loads(written_by_msgspec)
    assert _read_plain(escaped) == json.loads(escaped)


def without_numbers(value: Any) -> Any:
    """The value with texts in place of numbers, which are written in many ways."""
    if isinstance(value, dict):
        return {key: without_numbers(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [without_numbers(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return str(value) if isinstance(value, float) else value


@given(depth=st.integers(MAX_DEPTH - 3, MAX_DEPTH + 3), kinds=st.lists(st.booleans(), min_size=70, max_size=70))
def test_depth_is_seen_on_both_ways(depth: int, kinds: list[bool]) -> None:
    text = "1"
    for is_object in kinds[: depth - 1]:
        text = f'{{"a":{text}}}' if is_object else f"[{text}]"
    body = f'{{"a":{text}}}'.encode()

    assert (refusal_of(body) is None) == (depth <= MAX_DEPTH)
    assert _read_plain(body) is None or depth <= MAX_DEPTH


MODELS: list[Any] = ["auto", 1, None, ""]
NO_MESSAGES: list[Any] = [[], None, {}, "x"]
CONTENTS: list[Any] = ["hi", None, 1, [], [{"type": "text", "text": "é"}], ["x"], [{}]]
CALLS: list[Any] = [None, [], [{"id": "1", "function": {"name": "f"}}], [1], {}]
OTHERS: dict[str, list[Any]] = {
    "stream": [True, None, 0, "x"],
    "stream_options": [{"include_usage": True}, [], None],
    "max_tokens": [1, 1.0, -1, "1", None, 2**40],
    "n": [1, 0, True, None],
    "tools": [[], [{"type": "function"}], [1], {}],
    "response_format": [{"type": "json_object"}, {}, {"type": 1}, "json"],
}
messages: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "tool", 1, None]),
        "content": st.sampled_from(CONTENTS),
        "tool_calls": st.sampled_from(CALLS),
    },
)
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(MODELS),
        "messages": st.lists(messages, max_size=3) | st.sampled_from(NO_MESSAGES),
        **{name: st.sampled_from(stated) for name, stated in OTHERS.items()},
    },
)


@given(document=fields)
def test_a_request_is_read_the_same_from_its_bytes_and_from_its_document(document: dict[str, Any]) -> None:
    plain = msgspec.json.encode(document)
    # A number written in another way sends the whole document the longer way round.
    other = plain[:-1] + (b"," if document else b"") + b'"x":1e0}'

    readings: list[object] = []
    for body in (plain, other):
        try:
            read = parse(Endpoint.CHAT, body)
        except RequestError as error:
            readings.append((str(error), error.param))
        else:
            readings.append((read.model, read.messages, read.max_tokens, read.n, read.has_tools, read.response_format))

    assert readings[0] == readings[1]
