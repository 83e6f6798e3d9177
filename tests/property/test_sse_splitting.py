from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from suffice.wire.sse import Event, Splitter, parse_event, write_event

line_ends = st.sampled_from([b"\n", b"\r\n"])
fields = st.sampled_from([b"data: {}", b"data:x", b"data: [DONE]", b": note", b"event: error", b"id: 1", b"data", b""])
lines = st.tuples(fields | st.binary(max_size=6), line_ends).map(b"".join)
streams = st.lists(lines, max_size=12).map(b"".join) | st.binary(max_size=40)
cuts = st.lists(st.integers(min_value=0, max_value=200), max_size=8)


def cut(stream: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(min(one, len(stream)) for one in at), len(stream)]
    return [stream[start:stop] for start, stop in pairwise(edges)]


def split(chunks: Sequence[bytes]) -> tuple[list[Event], bytes]:
    splitter = Splitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events, splitter.pending


@given(stream=streams, at=cuts)
@example(stream=b"data: a\r\n\r\ndata: b\n\r\n\n\n", at=[8, 9, 10, 11])
def test_a_stream_cut_anywhere_gives_the_same_events(stream: bytes, at: list[int]) -> None:
    assert split(cut(stream, at)) == split([stream])


@given(stream=streams)
@example(stream=b"data: a\r\n\r\ndata: b\n\n")
def test_a_stream_that_comes_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert split(cut(stream, range(len(stream)))) == split([stream])


@given(stream=streams, at=cuts)
def test_the_bytes_of_all_events_and_the_rest_are_what_was_fed(stream: bytes, at: list[int]) -> None:
    events, pending = split(cut(stream, at))

    assert b"".join(event.raw for event in events) + pending == stream


@given(stream=streams)
def test_an_event_ends_at_its_first_blank_line(stream: bytes) -> None:
    events, pending = split([stream])

    for event in events:
        body = event.raw.replace(b"\r\n", b"\n")
        assert body.find(b"\n\n") == len(body) - 2
    assert b"\n\n" not in pending.replace(b"\r\n", b"\n")


@given(stream=streams)
def test_an_event_reads_the_same_with_either_line_end(stream: bytes) -> None:
    text = stream.replace(b"\r", b"")

    plain, _ = split([text])
    carried, _ = split([text.replace(b"\n", b"\r\n")])

    assert [(event.data, event.name) for event in carried] == [(event.data, event.name) for event in plain]


@given(data=st.text(st.characters(codec="utf-8", exclude_characters="\r\n")).map(str.encode))
def test_what_is_written_reads_back(data: bytes) -> None:
    raw = write_event(data, name=b"error")

    assert parse_event(raw) == Event(raw, data, b"error")
    assert split([raw, raw])[0] == [Event(raw, data, b"error")] * 2
