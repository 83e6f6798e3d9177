"""A stream that is passed on in pieces reaches the client, and the books, as one that is taken apart event by event."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from suffice.errors import UpstreamError
from suffice.pipeline.attempting import Running
from suffice.pipeline.relay import Relay
from suffice.testing.fakes import Collected, make_arrival, make_router
from suffice.upstream.call import Drain, Exchange, PumpedStream, Take
from suffice.vocabulary import Attempt, Outcome, TierName
from suffice.wire.sse import DONE, Splitter

tricky = st.sampled_from(
    [
        "Hi",
        " you",
        "",
        "usage",
        '"usage":null',
        ',"usage":null}',
        '"error"',
        "}\n\ndata: {",
        "[DONE]",
        "\\",
        "é🚀",
        "\r\n",
    ]
)
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3}}


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """One document of a stream."""
    delta: dict[str, Any] = draw(
        st.fixed_dictionaries({}, optional={"role": st.just("assistant"), "content": tricky | st.none()})
    )
    finish_reason = draw(st.sampled_from([None, None, None, "stop"]))
    choice = {"index": draw(st.sampled_from([0, 0, 0, 1])), "delta": delta, "finish_reason": finish_reason}
    members: list[tuple[str, Any]] = [
        ("id", "x"),
        ("model", "m"),
        ("choices", draw(st.sampled_from([[choice], [choice], []]))),
    ]
    for usage in draw(st.lists(st.sampled_from([None, None, USAGE]), max_size=2)):
        members.insert(draw(st.integers(0, len(members))), ("usage", usage))
    if draw(st.booleans()):
        members.append(("nested", {"usage": None, "error": None}))
    comma, colon = draw(st.sampled_from([(",", ":"), (",", ":"), (", ", ": ")]))
    dumped = [f"{json.dumps(name)}{colon}{json.dumps(value, separators=(comma, colon))}" for name, value in members]
    return ("{" + comma.join(dumped) + "}").encode()


others = st.sampled_from(
    [
        b": ping\n\n",
        b"\n",
        b"\r\n",
        b"event: ping\n\n",
        b'data: {"error":{"message":"out of memory"}}\n\n',
        b'event: error\ndata: {"message":"out of memory"}\n\n',
        b'data: {"choices":[]}\nevent: error\ndata: {}\n\n',
        b'data: {"choices":[],\ndata: "usage":null}\n\n',
        b'data: {"choices":[]}\ndata: {}\n\n',
        b'data: {"choices":[]}\nid: {}\n\n',
        b"data: not json\n\n",
        b'data: {"choices":7}\n\n',
        b"data: {}{}\n\n",
        b'data: "{}"\n\n',
        b"data: [DONE]\n\n",
    ]
)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """One event, mostly as servers write it."""
    if draw(st.integers(0, 4)) == 0:
        return draw(others)
    ends = draw(st.sampled_from([b"\n\n", b"\n\n", b"\n\n", b"\n\n", b"\r\n\r\n", b"\n\r\n"]))
    prefix = draw(st.sampled_from([b"data: ", b"data: ", b"data: ", b"data: ", b"data:", b"id: 7\ndata: "]))
    return prefix + draw(chunks()) + ends


@st.composite
def whole_streams(draw: st.DrawFn) -> bytes:
    """Events, and mostly an end."""
    stop = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    return b"".join(draw(st.lists(events(), max_size=8))) + draw(st.sampled_from([b"", DONE, stop + DONE]))


streams = whole_streams()
FIRST = b'data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null}\n\n'
SECOND = FIRST.replace(b"Hi", b" you")
options = st.sampled_from([{}, {"include_usage": True}, {"include_usage": True, "continuous_usage_stats": True}])


class Pumped(PumpedStream):
    """Pieces that are there already."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)

    async def __anext__(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def pump(self, take: Take, drain: Drain) -> None:
        for piece in self._pieces:
            if not take(piece):
                await drain()


class Slow(Relay):
    """Takes every piece apart."""

    def _pass(self, piece: bytes) -> bytes:
        return self._part(piece)[0]


@dataclass
class Told:
    """What the client got, and what was noted."""

    got: bytes
    error: str | None
    noted: dict[str, Any] = field(default_factory=dict[str, Any])


def relay(kind: type[Relay], chunks: AsyncIterator[bytes], stream_options: dict[str, Any]) -> Told:
    arrival = make_arrival(stream=True, stream_options=stream_options)
    running = Running(
        arrival=arrival,
        route=make_router().route(arrival),
        outcome=Outcome(request_id="r", received_at=0.0, endpoint="/v1/chat/completions"),
        attempt=Attempt(tier=TierName("small"), model="m", started_s=0.0),
        is_last=True,
        clock=lambda: 0.0,
    )
    exchange = Exchange(status=200, content_type="text/event-stream", replica="r", started_at=0.0, chunks=chunks)
    sink = Collected()
    error: str | None = None

    async def run() -> None:
        one = kind(running, exchange, lambda: {"noted": running.catch_up().decode()[:0]})
        await one.hold()
        await one.pump(sink)

    try:
        asyncio.run(run())
    except UpstreamError as broken:
        error = broken.code
    assembly = running.assembly
    noted = {
        "usage": running.usage,
        "text": assembly.text,
        "finish_reason": assembly.finish_reason,
        "n_pieces": assembly.n_pieces,
        "is_whole": running.is_whole,
        "first_token": running.attempt.first_token_s,
    }
    return Told(sink.body, error, noted)


def one_by_one(stream: bytes) -> list[bytes]:
    splitter = Splitter()
    return [*[event.raw for event in splitter.feed(stream)], *([splitter.pending] if splitter.pending else [])]


def cut(stream: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({min(one, len(stream)) for one in at}), len(stream)]
    return [stream[start:stop] for start, stop in pairwise(edges) if start < stop]


def along_events(stream: bytes, at: Sequence[int]) -> list[bytes]:
    """Cut between events only, as servers write."""
    whole = one_by_one(stream)
    edges = [0, *sorted({min(one, len(whole)) for one in at}), len(whole)]
    return [b"".join(whole[start:stop]) for start, stop in pairwise(edges) if start < stop]


def check(stream: bytes, pieces: Sequence[bytes], stream_options: dict[str, Any]) -> None:
    # The first content commits to the stream: a break in the same piece would let another tier take over.
    slow = relay(Slow, Pumped([FIRST, *one_by_one(stream)]), stream_options)

    fast = relay(Relay, Pumped([FIRST, *pieces]), stream_options)

    assert fast.error == slow.error
    if slow.error is None:
        assert fast == slow
    else:
        # What only looked like a chunk may have passed before it was read.
        assert fast.got.startswith(slow.got)
        assert DONE not in fast.got[len(slow.got) :]


@given(stream=streams, at=st.lists(st.integers(0, 900), max_size=8), stream_options=options)
@example(FIRST.replace(b'"id"', b'"usage":null,"id"').replace(b',"usage":null}\n', b"}\n") * 2 + DONE, [], {})
@example(FIRST + b'data: {"choices":[],\ndata: "id":"x"}\n\n' + SECOND + DONE, [], {})
@example(FIRST + SECOND + b"data: not json\n\n", [len(FIRST)], {})
def test_a_stream_cut_anywhere_is_passed_on_and_noted_alike(
    stream: bytes, at: list[int], stream_options: dict[str, Any]
) -> None:
    check(stream, cut(stream, at), stream_options)


@given(stream=streams, at=st.lists(st.integers(0, 12), max_size=6), stream_options=options)
@example(SECOND.replace(b'"id"', b'"usage":null,"id"').replace(b',"usage":null}\n', b"}\n") * 2 + DONE, [1], {})
@example(b'data: {"choices":[],\ndata: "id":"x"}\n\n' + SECOND + DONE, [1], {})
@example(SECOND + b"data: not json\n\n", [1], {})
@example(SECOND + b"data: {}{}\n\n" + DONE, [1, 2, 3], {})
def test_a_stream_cut_between_its_events_is_passed_on_and_noted_alike(
    stream: bytes, at: list[int], stream_options: dict[str, Any]
) -> None:
    check(stream, along_events(stream, at), stream_options)


@given(stream=streams, stream_options=options)
def test_a_stream_that_cannot_push_is_passed_on_and_noted_alike(stream: bytes, stream_options: dict[str, Any]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in one_by_one(FIRST + stream):
            yield piece

    pulled = relay(Relay, pieces(), stream_options)

    assert pulled == relay(Relay, Pumped(one_by_one(FIRST + stream)), stream_options)
