"""Requests that arrive cut anywhere are read as if they had come at once."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from suffice.errors import RequestError
from suffice.server.config import ServerConfig
from suffice.server.parsing import Incoming, RequestReader

LIMITS = ServerConfig(max_header_bytes=1_024, max_headers=8, max_body_bytes=2_000)
Read = tuple[str, str, bytes, tuple[tuple[str, str], ...], bytes, bool, bool, bool]

names = st.sampled_from([b"X-A", b"x-a", b"Accept", b"traceparent", b"Content-Type"])
values = st.sampled_from([b"", b"a", b"  b ", b"gr\xfc\xdfe", b'a, b;c="d"', b"x" * 200])
targets = st.sampled_from(
    [b"/", b"/v1/chat/completions", b"/v1/chat%2fcompletions?a=b?c", b"/\xfc", b"*", b"http://a/"]
)
bodies = st.binary(max_size=60)


@st.composite
def chunked_bodies(draw: st.DrawFn) -> bytes:
    """A body in chunks, with what may stand beside them."""
    framed = [
        b"%x%b\r\n%b\r\n" % (len(piece), draw(st.sampled_from([b"", b"", b";a=b"])), piece)
        for piece in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4))
    ]
    return b"".join(framed) + draw(
        st.sampled_from([b"0\r\n\r\n", b"0\r\nx-trailer: a\r\n\r\n", b"0;x\r\n\r\n", b"zz\r\n"])
    )


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request, good or bad."""
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0", b"2.0"]))
    lines = [b"Host: a"] * draw(st.sampled_from([1, 1, 1, 1, 0, 2]))
    lines += [name + b": " + value for name, value in draw(st.lists(st.tuples(names, values), max_size=7))]
    lines += draw(
        st.sampled_from([[], [], [], [b"Connection: close"], [b"Connection: keep-alive"], [b"Bad Header: x"]])
    )
    kind = draw(st.sampled_from(["none", "length", "chunks", "both"]))
    content = b""
    if kind in {"length", "both"}:
        content = draw(bodies)
        lines.append(b"Content-Length: %d" % len(content))
    if kind in {"chunks", "both"}:
        content = draw(chunked_bodies())
        lines.append(b"Transfer-Encoding: chunked")
    head = b"%b %b HTTP/%b\r\n" % (draw(st.sampled_from([b"POST", b"GET"])), draw(targets), version)
    return head + b"\r\n".join([*lines, b"", b""]) + content


streams = st.lists(requests(), max_size=3).map(b"".join) | st.binary(max_size=60)


def plain(incoming: Incoming) -> Read:
    request = incoming.request
    return (
        request.method,
        request.path,
        request.query,
        tuple(request.headers.items()),
        request.upload.joined(),
        request.upload.is_whole,
        incoming.keeps,
        incoming.is_old,
    )


def read(pieces: Sequence[bytes]) -> tuple[list[Read], bool, int]:
    """The requests, whether there is a refusal after them, and how many began.

    Which of two faults of one head is found first depends on how it comes.
    """
    n_begun: list[int] = []
    reader = RequestReader(LIMITS, begin=lambda: n_begun.append(1))
    is_refused = False
    for piece in pieces:
        try:
            reader.feed(piece)
        except RequestError:
            is_refused = True
            break
    return [plain(incoming) for incoming in reader.heads], is_refused, len(n_begun)


def cut(stream: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({min(one, len(stream)) for one in at}), len(stream)]
    return [stream[start:stop] for start, stop in pairwise(edges) if start < stop]


@given(stream=streams, at=st.lists(st.integers(0, 900), max_size=8))
@example(stream=b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n", at=[60, 61])
def test_requests_cut_anywhere_are_read_alike(stream: bytes, at: list[int]) -> None:
    assert read(cut(stream, at)) == read([stream])


@given(stream=streams)
def test_requests_that_come_byte_by_byte_are_read_alike(stream: bytes) -> None:
    assert read(cut(stream, range(len(stream)))) == read([stream])


@given(one=requests(), another=requests())
def test_nothing_of_one_request_gets_into_the_next(one: bytes, another: bytes) -> None:
    first, is_refused, _ = read([one])
    follows = not is_refused and len(first) == 1 and first[0][5] and first[0][6]

    both, _, _ = read([one + another])

    alone, _, _ = read([another])
    assert both == (first + alone if follows else first)
