"""Streams of one server, read or pushed on, over real loopback sockets."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from client_runs import QUICK, STREAM, read, run
from scripted_server import STREAM_HEAD, Said, Script, chunked

from suffice.errors import UpstreamBrokenError, UpstreamError, UpstreamTimeoutError
from suffice.upstream.call import Exchange, PumpedStream
from suffice.upstream.client import Client
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.origin import Origin


async def pumped(exchange: Exchange) -> bytes:
    got: list[bytes] = []

    def take(piece: bytes) -> bool:
        got.append(piece)
        return True

    assert isinstance(exchange.chunks, PumpedStream)
    await exchange.chunks.pump(take, never)
    return b"".join(got)


async def never() -> None:
    pytest.fail("nothing was full")


READERS = pytest.mark.parametrize("reader", [read, pumped])


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
