from collections.abc import Sequence

import pytest

from suffice.errors import UpstreamBrokenError
from suffice.wire.sse import DONE, Event, Splitter, parse_event, write_event


def split(*chunks: bytes) -> list[Event]:
    splitter = Splitter()
    return [event for chunk in chunks for event in splitter.feed(chunk)]


def test_an_event_is_given_once_its_blank_line_has_come() -> None:
    splitter = Splitter()

    early = list(splitter.feed(b"data: 1\n"))
    late = list(splitter.feed(b"\nda"))

    assert early == []
    assert late == [Event(b"data: 1\n\n", b"1")]
    assert splitter.pending == b"da"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n\r\n", b"\r\n\n"])
def test_every_mixture_of_line_feeds_ends_an_event(end: bytes) -> None:
    events = split(b"data: a" + end + b"data: b" + end)

    assert [event.data for event in events] == [b"a", b"b"]
    assert [event.raw for event in events] == [b"data: a" + end, b"data: b" + end]


@pytest.mark.parametrize(
    ("raw", "data", "name"),
    [
        (b"data: x\n\n", b"x", b""),
        (b"data:x\n\n", b"x", b""),
        (b"data:  x\n\n", b" x", b""),
        (b"data\n\n", b"", b""),
        (b"data: a\ndata: b\n\n", b"a\nb", b""),
        (b"event: error\ndata: x\n\n", b"x", b"error"),
        (b"data: x\r\nevent: error\r\n\r\n", b"x", b"error"),
        (b": keep-alive\n\n", b"", b""),
        (b"id: 7\nretry: 10\ndata: x\n\n", b"x", b""),
        (b"\ndata: x\n\n", b"x", b""),
        (b'data: {"a": "b: c"}\n\n', b'{"a": "b: c"}', b""),
    ],
)
def test_fields_are_read_as_the_standard_says(raw: bytes, data: bytes, name: bytes) -> None:
    event = parse_event(raw)

    assert event == Event(raw, data, name)


@pytest.mark.parametrize(("data", "is_done"), [(b"[DONE]", True), (b" [DONE] ", True), (b'"[DONE]"', False)])
def test_the_end_mark_is_known_whatever_blanks_stand_around_it(data: bytes, *, is_done: bool) -> None:
    event = Event(b"", data)

    assert event.is_done is is_done


def test_our_own_end_mark_is_one() -> None:
    assert [event.is_done for event in split(DONE)] == [True]


@pytest.mark.parametrize("chunks", [(b"data: 12345\n\n",), (b"data: 12", b"345\n", b"\n")])
def test_an_event_of_the_largest_size_is_let_through(chunks: Sequence[bytes]) -> None:
    splitter = Splitter(max_event_bytes=12)

    events = [event for chunk in chunks for event in splitter.feed(chunk)]

    assert [event.data for event in events] == [b"12345"]


def test_an_event_that_grows_over_the_limit_breaks_the_stream() -> None:
    splitter = Splitter(max_event_bytes=12)
    list(splitter.feed(b"data: 12345"))

    with pytest.raises(UpstreamBrokenError, match="over 12 bytes"):
        list(splitter.feed(b"67"))


@pytest.mark.parametrize(("name", "raw"), [(b"", b"data: x\n\n"), (b"error", b"event: error\ndata: x\n\n")])
def test_a_written_event_reads_back(name: bytes, raw: bytes) -> None:
    written = write_event(b"x", name=name)

    assert written == raw
    assert split(written) == [Event(raw, b"x", name)]
