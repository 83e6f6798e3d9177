"""The splitter and the edits against slow ones that read byte by byte; `make fuzz` tries many more examples."""

import itertools
import json
import os
from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st
from json_documents import written_objects

from suffice.wire.edit import with_key, without_key
from suffice.wire.sse import Splitter, write_event

many = settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")), deadline=None)
fields = [b"data: ", b"data:", b"data", b"event: error", b"event:", b": note", b"id: 1", b"{}", b"[DONE]"]
pieces = st.sampled_from([*fields, b"\n", b"\r\n", b"\r", b" ", b":"])
streams = st.lists(pieces | st.binary(max_size=3), max_size=25).map(b"".join)
cuts = st.lists(st.integers(min_value=0, max_value=120), max_size=6)


def events_slowly(stream: bytes) -> tuple[list[tuple[bytes, bytes, bytes]], bytes]:
    """Raw bytes, data and name of each event, and what is left: a machine that sees one byte at a time."""
    found: list[tuple[bytes, bytes, bytes]] = []
    raw = line = b""
    data: list[bytes] = []
    name = b""
    for byte in stream:
        raw += bytes([byte])
        if byte != 0x0A:
            line += bytes([byte])
            continue
        # Only one carriage return belongs to the line's end.
        line = line[:-1] if line.endswith(b"\r") else line
        if line == b"" and raw not in {b"\n", b"\r\n"}:
            found.append((raw, b"\n".join(data), name))
            raw, data, name = b"", [], b""
        key, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if key == b"data":
            data.append(value)
        elif key == b"event":
            name = value
        line = b""
    return found, raw


@many
@given(stream=streams, at=cuts)
@example(stream=b"data: a\n\r\ndata: b\r\n\n", at=[])
@example(stream=b"\n\n\n", at=[1])
@example(stream=b"data: a\r\r\n\n", at=[])
def test_events_are_those_that_a_machine_finds_byte_by_byte(stream: bytes, at: Sequence[int]) -> None:
    splitter = Splitter()
    edges = [0, *sorted(min(one, len(stream)) for one in at), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(edges)]

    found = [event for chunk in chunks for event in splitter.feed(chunk)]

    expected, rest = events_slowly(stream)
    assert [(event.raw, event.data, event.name) for event in found] == expected
    assert splitter.pending == rest


def without_slowly(document: str, key: str) -> str:
    """The document without its only member of this name and without one comma, found by reading value after value."""
    decoder = json.JSONDecoder()
    starts: list[tuple[str, int, int]] = []
    at = _skip(document, document.index("{") + 1)
    while document[at] != "}":
        name, end = decoder.raw_decode(document, at)
        _, stop = decoder.raw_decode(document, _skip(document, _skip(document, end) + 1))
        starts.append((name, at, stop))
        at = _skip(document, stop)
        at = _skip(document, at + 1) if document[at] == "," else at
    index = next((index for index, one in enumerate(starts) if one[0] == key), None)
    if index is None:
        return document
    if index > 0:
        comma = document.index(",", starts[index - 1][2])
        return document[:comma] + document[starts[index][2] :]
    following = starts[1][1] if len(starts) > 1 else starts[0][2]
    return document[: starts[0][1]] + document[following:]


def _skip(document: str, at: int) -> int:
    while document[at] in " \t\r\n":
        at += 1
    return at


@many
@given(written=written_objects(), key=st.sampled_from(["usage", "a", "model", "n", "us", "\\", '"', ""]))
@example(written=({"usage": {"usage": 1}, "a": 2}, b'{"usage" :\t{"usage":1} ,\n"a":2}'), key="usage")
@example(written=({"usage": 1}, b'{"usage": 1 }'), key="usage")
def test_a_member_goes_with_exactly_its_bytes_and_one_comma(written: tuple[dict[str, object], bytes], key: str) -> None:
    _, text = written

    assert without_key(text, key) == without_slowly(text.decode(), key).encode()


@many
@given(written=written_objects(), key=st.sampled_from(["usage", "zz"]), at=cuts)
def test_an_edited_event_passes_the_splitter_whole(
    written: tuple[dict[str, object], bytes], key: str, at: Sequence[int]
) -> None:
    edited = with_key(written[1].replace(b"\n", b" "), key, {"x": 1})
    stream = write_event(edited) * 2

    edges = [0, *sorted(min(one, len(stream)) for one in at), len(stream)]
    splitter = Splitter()
    found = [event for start, end in itertools.pairwise(edges) for event in splitter.feed(stream[start:end])]

    assert [event.data for event in found] == [edited, edited]
    assert json.loads(found[0].data)[key] == {"x": 1}
