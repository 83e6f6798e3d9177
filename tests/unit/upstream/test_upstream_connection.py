"""Calls to one server that says exactly what a test has it say, over real loopback sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from scripted_server import STREAM_HEAD, Said, Script, chunked, client_of, plain, until

from suffice.errors import UpstreamBrokenError, UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from suffice.upstream import connection as module
from suffice.upstream.call import Call, Exchange, PumpedStream
from suffice.upstream.client import Client
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.origin import Origin

QUICK = UpstreamConfig(first_byte_timeout_s=0.1)
STREAM = Call(path="/chat/completions", body=b"{}", stream=True)
PLAIN = Call(path="/chat/completions", body=b"{}", stream=False)
Use = Callable[[Client, Script], Awaitable[Any]]


def run(use: Use, *answers: bytes | Said, config: UpstreamConfig | None = None) -> Any:
    """What comes of a client of a server with these answers."""

    async def use_it() -> Any:
        async with asyncio.timeout(20.0), client_of(*answers, config=config) as (client, script):
            return await use(client, script)

    return asyncio.run(use_it())


async def body_of(client: Client, call: Call = PLAIN) -> bytes:
    exchange = await client.send(call)
    exchange.close()
    return exchange.body or b""


async def read(exchange: Exchange) -> bytes:
    assert exchange.chunks is not None
    return b"".join([piece async for piece in exchange.chunks])


async def pumped(exchange: Exchange) -> bytes:
    got: list[bytes] = []

    def take(piece: bytes) -> bool:
        got.append(piece)
        return True

    assert isinstance(exchange.chunks, PumpedStream)
    await exchange.chunks.pump(take, never)
    return b"".join(got)


async def streamed(client: Client) -> bytes:
    exchange = await client.send(STREAM)
    got = await read(exchange)
    exchange.close()
    return got


async def never() -> None:
    pytest.fail("nothing was full")


READERS = pytest.mark.parametrize("reader", [read, pumped])


def test_a_call_is_sent_as_one_request_with_its_length_and_the_servers_name() -> None:
    async def use(client: Client, script: Script) -> tuple[bytes, str]:
        call = Call(path="/embeddings", body=b"[1]", stream=False, headers={"traceparent": "00-1", "host": "evil"})
        await body_of(client, call)
        return script.requests[0], client.origin.authority

    request, authority = run(use, plain())

    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /v1/embeddings HTTP/1.1"
    assert f"host: {authority}" in headers
    assert [header for header in headers if header.lower().startswith(("host", "content-length", "trace"))] == [
        f"host: {authority}",
        "traceparent: 00-1",
        "content-length: 3",
    ]
    assert body == b"[1]"


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"whole"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(b"wh", b"ole"),
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nwhole",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\ncontent-type: text/plain\r\n\r\n" + plain(b"whole"),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + plain(b"whole"),
    ],
    ids=["length", "chunks", "HTTP/1.0", "early hints", "two interim answers"],
)
def test_an_answer_is_whole_at_its_end_and_the_connection_serves_the_next_call(answer: bytes) -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], str, int, int]:
        exchange = await client.send(PLAIN)
        exchange.close()
        bodies = [exchange.body or b"", await body_of(client), await body_of(client)]
        return bodies, exchange.content_type, script.n_connections, client.origin.n_open

    assert run(use, answer) == ([b"whole"] * 3, "application/json", 1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"whole", head=b"connection: close\r\n"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nwhole",
        Said(b"HTTP/1.1 200 OK\r\n\r\nwhole", closes=True),
        Said(b"HTTP/1.0 200 OK\r\n\r\nwhole", closes=True),
        plain(b"whole") + plain(b"second"),
        plain(b"whole") + b"HTTP/1.1 200 OK\r\n",
        plain(b"whole") + b"garbage",
    ],
    ids=["close", "HTTP/1.0", "no length", "no length, HTTP/1.0", "a second answer", "half a second answer", "garbage"],
)
def test_a_connection_that_may_not_or_must_not_be_used_again_is_not(answer: bytes | Said) -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], int, int]:
        bodies = [await body_of(client), await body_of(client)]
        return bodies, script.n_connections, client.origin.n_open

    assert run(use, answer) == ([b"whole"] * 2, 2, 0)


def test_what_comes_unasked_on_a_kept_connection_is_never_taken_for_the_next_answer() -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], int]:
        bodies = [await body_of(client)]
        script.writers[0].write(plain(b"unasked"))
        await script.hung_up.wait()
        bodies.append(await body_of(client))
        return bodies, script.n_connections

    assert run(use, plain(b"one"), plain(b"two")) == ([b"one", b"two"], 2)


def test_a_kept_connection_that_its_server_has_closed_is_replaced() -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], int, int]:
        bodies = [await body_of(client)]
        script.writers[0].close()
        await until(lambda: client.origin.n_open == 0)
        bodies.append(await body_of(client))
        return bodies, script.n_connections, client.origin.n_open

    assert run(use, plain(b"one"), plain(b"two")) == ([b"one", b"two"], 2, 1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Said(closes=True), UpstreamError),
        (Said(waits=asyncio.Event()), UpstreamTimeoutError),
        (Said(b"HTTP/1.1 200 OK\r\n", closes=True), UpstreamBrokenError),
        (Said(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", closes=True), UpstreamBrokenError),
        (Said(b"garbage\r\n\r\n"), UpstreamBrokenError),
    ],
    ids=["no word", "late", "half a head", "half an answer", "garbage"],
)
@pytest.mark.parametrize("is_kept", [False, True])
def test_a_call_that_failed_is_not_repeated_by_the_client(
    answer: Said, error: type[UpstreamError], *, is_kept: bool
) -> None:
    async def use(client: Client, script: Script) -> tuple[int, int]:
        if is_kept:
            await body_of(client)
        with pytest.raises(error) as caught:
            await body_of(client)
        assert type(caught.value) is error
        return len(script.requests), client.origin.n_open

    before = [plain(b"one")] if is_kept else []

    assert run(use, *before, answer, plain(b"two"), config=QUICK) == (1 + is_kept, 0)


def test_an_idle_connection_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_S", 0.01)

    async def use(client: Client, script: Script) -> tuple[int, int]:
        await body_of(client)
        n_kept = client.origin.n_open
        await script.hung_up.wait()
        return n_kept, client.origin.n_open

    assert run(use, plain()) == (1, 0)


def test_connections_that_servers_close_are_not_counted_as_open() -> None:
    async def use(client: Client, script: Script) -> list[int]:
        exchanges = [await client.send(STREAM) for _ in range(4)]
        counts = [client.origin.n_open]
        for exchange in exchanges:
            await read(exchange)
            exchange.close()
        counts.append(client.origin.n_open)
        for writer in script.writers[:3]:
            writer.close()
        await until(lambda: client.origin.n_open == 1)
        await streamed(client)
        return [*counts, script.n_connections]

    assert run(use, STREAM_HEAD + chunked(b"a")) == [4, 4, 4]


def test_connections_over_the_limit_are_not_opened() -> None:
    async def use(client: Client, script: Script) -> tuple[int, bytes, int]:
        one = await client.send(STREAM)
        with pytest.raises(UpstreamBusyError, match="1 connections are open, the limit"):
            await client.send(STREAM)
        n_open = client.origin.n_open
        await read(one)
        one.close()
        return n_open, await streamed(client), script.n_connections

    config = UpstreamConfig(max_connections=1)

    assert run(use, STREAM_HEAD + chunked(b"a"), config=config) == (1, b"a", 1)


@READERS
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_stream_gives_the_bytes_of_its_chunks_however_they_come(
    reader: Callable[[Exchange], Awaitable[bytes]], size: int
) -> None:
    pieces = [b"data: %d\n\n" % number for number in range(300)]
    stream = STREAM_HEAD + chunked(*pieces)

    async def serve(reading: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reading.readuntil(b"\r\n\r\n")
        for start in range(0, len(stream), size):
            writer.write(stream[start : start + size])
            await asyncio.sleep(0)
        await reading.read()
        writer.close()

    async def use() -> bytes:
        async with asyncio.timeout(20.0), await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            origin = Origin(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", UpstreamConfig())
            exchange = await Client(origin, {}).send(STREAM)
            got = await reader(exchange)
            exchange.close()
            origin.close()
            for _ in range(5):
                await asyncio.sleep(0)
            return got

    assert asyncio.run(use()) == b"".join(pieces)


@READERS
def test_a_stream_without_a_length_ends_with_its_connection(reader: Callable[[Exchange], Awaitable[bytes]]) -> None:
    async def use(client: Client, _script: Script) -> bytes:
        exchange = await client.send(STREAM)
        got = await reader(exchange)
        exchange.close()
        return got

    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"

    assert run(use, Said(head + b"data: a\n\n", more=b"data: b\n\n", closes=True)) == b"data: a\n\ndata: b\n\n"


@READERS
@pytest.mark.parametrize(
    ("more", "closes", "said"),
    [
        (b"1\r\nb\r\nno chunk\r\n", False, "sent what is not HTTP"),
        (b"1\r\nb\r\n5\r\nha", True, "in the middle of its stream"),
        (b"1\r\nb\r\n", False, "did not go on with its stream within 0.05 s"),
    ],
    ids=["garbage", "cut", "silent"],
)
def test_what_came_before_a_stream_breaks_is_given_and_then_the_error(
    reader: Callable[[Exchange], Awaitable[bytes]], more: bytes, said: str, *, closes: bool
) -> None:
    got: list[bytes] = []

    async def use(client: Client, _script: Script) -> None:
        exchange = await client.send(STREAM)
        stream = exchange.chunks
        assert isinstance(stream, PumpedStream)
        try:
            if reader is read:
                async for piece in stream:
                    got.append(piece)  # noqa: PERF401 - what came before the break is the point
            else:
                await stream.pump(lambda piece: got.append(piece) is None, never)
        finally:
            exchange.close()
            assert client.origin.n_open == 0

    with pytest.raises(UpstreamError, match=said):
        run(
            use, Said(STREAM_HEAD + b"1\r\na\r\n", more=more, closes=closes), config=UpstreamConfig(idle_timeout_s=0.05)
        )

    assert b"".join(got)[:2] == b"ab"


def test_a_stream_that_does_not_begin_names_the_time_it_had() -> None:
    async def use(client: Client, _script: Script) -> None:
        await client.send(STREAM)

    with pytest.raises(UpstreamTimeoutError, match=r"did not go on with its stream within 0\.1 s"):
        run(use, STREAM_HEAD, config=QUICK)


class Fault(Exception):  # noqa: N818 - no error of ours
    """Of a reader."""


@pytest.mark.parametrize("fault", [Fault("our own"), UpstreamBrokenError("no chunk")])
def test_what_a_reader_raises_ends_the_call_and_is_told_to_whoever_pumps(fault: Exception) -> None:
    def take(piece: bytes) -> bool:
        if b"b" in piece:
            raise fault
        return True

    async def use(client: Client, script: Script) -> int:
        exchange = await client.send(STREAM)
        assert isinstance(exchange.chunks, PumpedStream)
        waits.set()
        with pytest.raises(type(fault), match=str(fault)):
            await exchange.chunks.pump(take, never)
        exchange.close()
        await script.hung_up.wait()
        return client.origin.n_open

    waits = asyncio.Event()

    assert run(use, Said(STREAM_HEAD + b"1\r\na\r\n", waits=waits, more=b"1\r\nb\r\n")) == 0


def test_a_reader_that_is_full_holds_the_server_back_until_it_has_drained() -> None:
    piece, n_pieces = b"x" * 65_536, 400
    got: list[int] = []
    drained: list[int] = []

    def take(taken: bytes) -> bool:
        got.append(len(taken))
        return len(got) % 3 != 0

    async def drain() -> None:
        before = len(got)
        for _ in range(20):
            await asyncio.sleep(0)
        drained.append(len(got) - before)

    async def use(client: Client, _script: Script) -> None:
        exchange = await client.send(STREAM)
        assert isinstance(exchange.chunks, PumpedStream)
        await exchange.chunks.pump(take, drain)
        exchange.close()

    run(use, STREAM_HEAD + chunked(*[piece] * n_pieces))

    assert sum(got) == len(piece) * n_pieces
    assert len(drained) > 5
    assert max(drained[1:]) == 0, "it was given more while it was full"


def test_a_stream_that_nobody_reads_is_held_back_and_goes_on_when_it_is_read() -> None:
    n_bytes = 16 * 1024 * 1024

    async def use(client: Client, script: Script) -> tuple[int, int]:
        exchange = await client.send(STREAM)
        for _ in range(200):
            await asyncio.sleep(0)
        assert exchange.chunks is not None
        first = len(await anext(exchange.chunks))
        rest = len(await read(exchange))
        exchange.close()
        return first, first + rest

    first, total = run(use, STREAM_HEAD + chunked(b"x" * n_bytes))

    assert first < 2 * 1024 * 1024
    assert total == n_bytes


def test_a_reader_that_holds_the_server_back_is_given_all_the_time_it_needs() -> None:
    async def drain() -> None:
        await asyncio.sleep(0.15)

    async def use(client: Client, _script: Script) -> int:
        exchange = await client.send(STREAM)
        got: list[bytes] = []
        assert isinstance(exchange.chunks, PumpedStream)
        await exchange.chunks.pump(lambda piece: got.append(piece) is not None, drain)
        exchange.close()
        return len(b"".join(got))

    assert run(use, STREAM_HEAD + chunked(b"x" * 300_000), config=UpstreamConfig(idle_timeout_s=0.1)) == 300_000


def test_leaving_amid_a_call_hangs_up() -> None:
    async def use(client: Client, script: Script) -> int:
        asking = asyncio.create_task(client.send(PLAIN))
        await until(lambda: bool(script.requests))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await script.hung_up.wait()
        return client.origin.n_open

    assert run(use, Said(waits=asyncio.Event())) == 0


@pytest.mark.parametrize("n_turns", range(6))
def test_leaving_while_a_connection_is_made_leaves_none(n_turns: int) -> None:
    async def use(client: Client, _script: Script) -> int:
        asking = asyncio.create_task(client.send(PLAIN))
        for _ in range(n_turns):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        return client.origin.n_open

    assert run(use, Said(waits=asyncio.Event())) == 0


def test_a_probe_tells_the_status_and_keeps_the_connection() -> None:
    async def use(client: Client, script: Script) -> tuple[list[int], bytes, int]:
        statuses = [await client.probe("/health", 5.0), await client.probe("/health", 5.0)]
        return statuses, script.requests[0].split(b"\r\n")[0], script.n_connections

    statuses, line, n_connections = run(use, plain(), b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")

    assert (statuses, line, n_connections) == ([200, 503], b"GET /health HTTP/1.1", 1)


def test_a_probe_waits_only_so_long() -> None:
    async def use(client: Client, _script: Script) -> int:
        with pytest.raises(UpstreamTimeoutError, match=r"did not answer /health within 0\.05 s"):
            await client.probe("/health", 0.05)
        return client.origin.n_open

    assert run(use, Said(waits=asyncio.Event())) == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "another protocol"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, "a head over 65536 bytes"),
        (b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n", "what is not HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "what is not HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nhi", "what is not HTTP"),
        (Said(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", closes=True), None),
    ],
    ids=["upgrade", "long head", "folded", "both lengths", "two lengths", "empty"],
)
def test_an_answer_that_is_not_understood_is_broken(answer: bytes | Said, said: str | None) -> None:
    async def use(client: Client, _script: Script) -> bytes:
        return await body_of(client)

    if said is None:
        assert run(use, answer) == b""
        return
    with pytest.raises(UpstreamBrokenError, match=said):
        run(use, answer)


def test_an_answer_without_a_body_is_whole_at_its_head() -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], int]:
        return [await body_of(client), await body_of(client)], script.n_connections

    assert run(use, b"HTTP/1.1 204 No Content\r\n\r\n") == ([b"", b""], 1)


@pytest.mark.parametrize("host", ["x" * 70, "no-such-host.invalid"])
def test_a_name_that_leads_nowhere_cannot_be_reached(host: str) -> None:
    async def use() -> int:
        origin = Origin(f"http://{host}:1", UpstreamConfig())
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await Client(origin, {}).send(PLAIN)
        return origin.n_open

    assert asyncio.run(use()) == 0


def test_a_server_that_speaks_no_tls_cannot_be_reached_by_https() -> None:
    async def use() -> int:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            origin = Origin(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", UpstreamConfig())
            with pytest.raises(UpstreamError, match="cannot be reached"):
                await Client(origin, {}).send(PLAIN)
            return origin.n_open

    assert asyncio.run(use()) == 0
