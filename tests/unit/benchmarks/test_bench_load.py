import asyncio
import json
import time
from collections.abc import Sequence

import pytest

from plane.answers import plain_answer, streamed_answer
from plane.bodies import FEWEST_TOKENS, MOST_TOKENS, Kind, bodies, make_varied
from plane.load import read_streams_summary, read_wrk_summary
from plane.sse_client import Connection as Client
from plane.sse_client import Streams, read_streams, write_requests
from plane.upstream import Canned, Connection
from suffice.features import estimate_tokens
from suffice.wire.answer import parse_answer
from suffice.wire.request import Endpoint, parse

WRK = """  2 threads and 16 connections
  1000 requests in 1.00s, 1.00MB read
JSON {"requests": 1000, "duration_us": 1000000, "not_2xx": 1, "socket_errors": 2, "p50_us": 354, "p99_us": 6050}
"""


def test_wrk_tells_what_it_saw_on_one_line() -> None:
    served = read_wrk_summary(WRK)

    assert (served.n_answers, served.n_bad, served.p50_us, served.p99_us) == (1_000, 3, 354, 6_050)


def test_no_two_prompts_are_alike_and_their_length_is_within_the_limits() -> None:
    prompts = make_varied(200)

    assert len(set(prompts)) == 200
    assert all(FEWEST_TOKENS <= estimate_tokens(prompt) <= MOST_TOKENS for prompt in prompts)
    assert make_varied(200) == prompts


def test_bodies_are_requests_of_their_kind() -> None:
    asked = {kind: parse(Endpoint.CHAT, next(bodies(kind, ["Why?"])).encode()) for kind in Kind}

    assert [asked[kind].stream for kind in Kind] == [False, False, True, True]
    assert [asked[kind].include_usage for kind in Kind] == [False, False, False, True]
    assert [asked[kind].model for kind in Kind] == ["auto", "small-model", "auto", "auto"]


def test_the_canned_answers_are_what_a_server_sends() -> None:
    with_usage, without = (streamed_answer(with_usage=asked) for asked in (True, False))

    assert (len(with_usage), len(without)) == (22, 21)
    assert with_usage[-1] == b"data: [DONE]\n\n"
    whole = parse_answer(plain_answer())
    assert whole is not None
    assert whole.usage is not None
    assert [parse_answer(event[6:]) is not None for event in with_usage[:-1]] == [True] * 21


def serve_and_read(kind: Kind, *, step_s: float = 0.0, canned: Canned | None = None) -> tuple[Canned, dict[str, int]]:
    """Read streams from the loopback upstream for a moment."""
    canned = canned or Canned()
    canned.step_s = step_s

    async def main() -> dict[str, int]:
        server = await asyncio.get_running_loop().create_server(lambda: Connection(canned), "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/chat/completions"
            requests = write_requests(url, bodies(kind, ["Why?", "Who?"]), ["x-a:b"])
            return await read_streams(url, requests, n_connections=3, seconds=0.1)

    return canned, asyncio.run(main())


@pytest.mark.parametrize("step_s", [0.0, 0.0005])
@pytest.mark.parametrize(("kind", "n_events"), [(Kind.STREAM, 21), (Kind.STREAM_WITH_USAGE, 22)])
def test_client_and_upstream_count_the_same_whole_streams(kind: Kind, n_events: int, step_s: float) -> None:
    canned, summary = serve_and_read(kind, step_s=step_s)

    served = read_streams_summary(json.dumps(summary))
    assert served.n_answers == canned.n_streamed >= 3
    assert (served.n_bad, served.n_events) == (0, n_events)
    assert served.first_byte_p50_us is not None
    assert served.p50_us is not None
    assert served.first_byte_p50_us <= served.p50_us


def test_a_stream_without_its_end_mark_is_broken() -> None:
    canned = Canned()
    canned.streams = {
        asked: [part.replace(b"[DONE]", b"[DANE]") for part in writes] for asked, writes in canned.streams.items()
    }

    _, summary = serve_and_read(Kind.STREAM, canned=canned)

    assert summary["broken"] == summary["streams"] >= 3


def test_a_stream_with_another_number_of_events_is_broken() -> None:
    streams = Streams([b""], time.perf_counter())
    streams.n_events.update({22: 10, 21: 2})

    summary = streams.summary()

    assert (summary["streams"], summary["broken"], summary["events"]) == (12, 2, 22)


class Transport(asyncio.Transport):
    """Takes what is written; hangs up at once when told to close."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("received", [[], [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:"]])
def test_a_connection_that_ends_within_a_stream_counts_as_broken(received: Sequence[bytes]) -> None:
    async def main() -> Streams:
        streams = Streams([b"GET"], time.perf_counter() + 60)
        client = Client(streams)
        client.connection_made(Transport())
        for data in received:
            client.data_received(data)
        client.connection_lost(None)
        return streams

    assert asyncio.run(main()).n_broken == 1
