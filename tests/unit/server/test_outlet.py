from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from gateway_calls import make_request

from suffice.server.outlet import ResponseOutlet
from suffice.server.parsing import Incoming
from suffice.server.response import encode_chunk, encode_head
from suffice.server.upload import Upload


@dataclass
class FakeLine:
    """A connection that notes what is written to it."""

    is_last: bool = False
    is_full: bool = False
    is_aborted: bool = False
    sent: bytes = b""
    n_writes: int = 0
    drained: list[str] = field(default_factory=list[str])

    def write(self, data: bytes) -> bool:
        self.n_writes += 1
        self.sent += data
        return not self.is_full

    async def drain(self) -> None:
        self.drained.append("once")

    def abort(self) -> None:
        self.is_aborted = True


def incoming(*, method: str = "POST", keeps: bool = True, is_old: bool = False, is_whole: bool = True) -> Incoming:
    request = make_request(Upload(is_whole=is_whole))
    request.method = method
    return Incoming(request, keeps=keeps, is_old=is_old)


def parts_of(sent: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = sent.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    return line, dict(one.split(": ", 1) for one in lines), body


def test_a_whole_response_is_written_at_once_with_its_length() -> None:
    line = FakeLine()

    assert ResponseOutlet(line, incoming()).send(200, {"x-a": "b"}, b"hello")

    assert parts_of(line.sent) == ("HTTP/1.1 200 OK", {"x-a": "b", "content-length": "5"}, b"hello")
    assert line.n_writes == 1


@pytest.mark.parametrize(
    ("status", "said"), [(404, "404 Not Found"), (418, "418 I'm a Teapot"), (529, "529 "), (599, "599 ")]
)
def test_any_status_has_a_line(status: int, said: str) -> None:
    assert parts_of(encode_head(status, {}, ""))[0] == f"HTTP/1.1 {said}"


def test_a_header_that_http_cannot_carry_is_sent_without_what_it_cannot() -> None:
    assert parts_of(encode_head(200, {"x-profile": "\u5ba2 gr\xfc\xdfe"}, ""))[1] == {"x-profile": "? gr\xfc\xdfe"}


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_neither_body_nor_length(status: int) -> None:
    line = FakeLine()

    ResponseOutlet(line, incoming()).send(status, {}, b"ignored")

    _, headers, body = parts_of(line.sent)
    assert (headers, body) == ({}, b"")


def test_head_is_answered_with_the_length_of_what_it_does_not_get() -> None:
    line = FakeLine()

    ResponseOutlet(line, incoming(method="HEAD")).send(200, {}, b"hello")

    _, headers, body = parts_of(line.sent)
    assert (headers, body) == ({"content-length": "5"}, b"")


def held_back() -> Incoming:
    """A request whose client wants to be told to send its body."""
    one = incoming(is_whole=False)
    one.request.upload.expect = lambda: None
    return one


@pytest.mark.parametrize(
    ("one", "line", "headers", "closes"),
    [
        (incoming(), FakeLine(), {}, False),
        (incoming(keeps=False), FakeLine(), {}, True),
        (incoming(), FakeLine(is_last=True), {}, True),
        (incoming(is_whole=False), FakeLine(), {}, False),
        (held_back(), FakeLine(), {}, True),
        (incoming(), FakeLine(), {"connection": "close"}, True),
        (incoming(is_old=True, keeps=False), FakeLine(), {}, True),
    ],
    ids=[
        "kept",
        "the client's last",
        "the server's last",
        "amid its body",
        "a body held back",
        "the handler's wish",
        "HTTP/1.0",
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_the_client_is_told_once_when_its_connection_ends(
    one: Incoming, line: FakeLine, headers: dict[str, str], *, closes: bool, streams: bool
) -> None:
    line = FakeLine(is_last=line.is_last)
    outlet = ResponseOutlet(line, one)

    if streams:
        outlet.begin(200, headers)
    else:
        outlet.send(200, headers, b"")

    assert line.sent.lower().count(b"connection:") == closes
    assert (b"connection: close" in line.sent) is closes
    assert outlet.closes is closes


def test_an_old_client_whose_connection_is_kept_is_told_so() -> None:
    line = FakeLine()

    ResponseOutlet(line, incoming(is_old=True)).send(200, {}, b"")

    assert parts_of(line.sent)[1]["connection"] == "keep-alive"


def test_a_stream_is_framed_in_chunks_and_ended_by_an_empty_one() -> None:
    line = FakeLine()
    outlet = ResponseOutlet(line, incoming())

    outlet.begin(200, {})
    assert outlet.write(b"hello")
    assert outlet.write(b"")
    outlet.write(b"x" * 300)
    outlet.end()

    _, headers, body = parts_of(line.sent)
    assert headers == {"transfer-encoding": "chunked"}
    assert body == b"5\r\nhello\r\n12c\r\n" + b"x" * 300 + b"\r\n0\r\n\r\n"


def test_an_old_clients_stream_ends_with_its_connection() -> None:
    line = FakeLine()
    outlet = ResponseOutlet(line, incoming(is_old=True))

    outlet.begin(200, {})
    outlet.write(b"hello")
    outlet.end()

    _, headers, body = parts_of(line.sent)
    assert (headers, body, outlet.closes) == ({"connection": "close"}, b"hello", True)


WRITES: list[Callable[[ResponseOutlet], bool]] = [
    lambda outlet: outlet.send(200, {}, b"x"),
    lambda outlet: outlet.write(b"x"),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("is_full", [False, True])
def test_whoever_writes_is_told_whether_the_client_keeps_up(
    write: Callable[[ResponseOutlet], bool], *, is_full: bool
) -> None:
    assert write(ResponseOutlet(FakeLine(is_full=is_full), incoming())) is not is_full


def test_a_body_is_asked_for_only_before_the_response() -> None:
    line = FakeLine()
    outlet = ResponseOutlet(line, incoming(is_whole=False))

    outlet.tell_to_continue()
    outlet.send(200, {}, b"")
    n_before = len(line.sent)
    outlet.tell_to_continue()

    assert line.sent.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert len(line.sent) == n_before


def test_a_chunk_tells_its_size_in_sixteens() -> None:
    assert encode_chunk(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"


@pytest.mark.parametrize("is_full", [False, True])
def test_a_stream_that_breaks_ends_with_what_is_said_of_it_unless_its_client_does_not_read(*, is_full: bool) -> None:
    line = FakeLine(is_full=is_full)
    outlet = ResponseOutlet(line, incoming())
    outlet.begin(200, {})

    outlet.break_off(b"event: error")

    assert line.is_aborted is is_full
    assert line.sent.endswith(b"0\r\n\r\n") is not is_full
