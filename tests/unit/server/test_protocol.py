"""The HTTP protocol's limits and strictness, over real loopback sockets."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from suffice.server.config import ServerConfig
from suffice.server.protocol import strict_protocol

ROOMY = ServerConfig(read_timeout_s=20.0, idle_timeout_s=20.0)
HOST = b"Host: localhost\r\n"
Scope = dict[str, Any]


@dataclass
class Seen:
    """What reached the application."""

    paths: list[str]
    bodies: list[bytes]
    hold: asyncio.Event
    """Requests for `/slow` wait for it, those for `/stream` do so after their first byte."""


@dataclass
class Client:
    """One raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, payload: bytes) -> None:
        self.writer.write(payload)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        async with asyncio.timeout(10.0):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    async def head(self) -> bytes:
        async with asyncio.timeout(10.0):
            return await self.reader.readuntil(b"\r\n\r\n")


def application(seen: Seen) -> Callable[..., Awaitable[None]]:
    async def serve(
        scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        seen.paths.append(scope["path"])
        seen.bodies.append(body)
        if scope["path"] == "/slow":
            await seen.hold.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-served", b"yes")]})
        if scope["path"] == "/stream":
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await seen.hold.wait()
        await send({"type": "http.response.body", "body": b"last"})

    return serve


@asynccontextmanager
async def served(limits: ServerConfig) -> AsyncGenerator[tuple[Seen, Callable[[], Awaitable[Client]]]]:
    """A server with the protocol, what it has seen, and a way to connect."""
    seen = Seen([], [], asyncio.Event())
    config = uvicorn.Config(application(seen), ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    protocol = strict_protocol(limits)
    server = await loop.create_server(lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
        return clients[-1]

    async with server:
        try:
            yield seen, connect
        finally:
            seen.hold.set()
            for client in clients:
                await client.close()
            for connection in list(state.connections):
                connection.shutdown()
            async with asyncio.timeout(10.0):
                for task in list(state.tasks):
                    await task


def exchange(*payloads: bytes, limits: ServerConfig = ROOMY) -> tuple[bytes, Seen]:
    """Send these on one connection and read until the server closes it."""

    async def run() -> tuple[bytes, Seen]:
        async with served(limits) as (seen, connect):
            client = await connect()
            for payload in payloads:
                await client.send(payload)
            return await client.rest(), seen

    return asyncio.run(run())


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def error_of(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


def test_an_ordinary_request_is_served() -> None:
    answer, seen = exchange(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi")

    assert status_of(answer) == 200
    assert (seen.paths, seen.bodies) == (["/x"], [b"hi"])


def test_requests_on_one_connection_are_served_one_after_the_other() -> None:
    one, last = b"GET /a HTTP/1.1\r\n" + HOST, b"GET /b HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"

    answer, seen = exchange(one + b"\r\n" + last + b"\r\n")

    assert answer.count(b"HTTP/1.1 200") == 2
    assert seen.paths == ["/a", "/b"]


def test_a_chunked_body_is_read() -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    answer, seen = exchange(head, b"2\r\nhi\r\n", b"0\r\n\r\n")

    assert status_of(answer) == 200
    assert seen.bodies == [b"hi"]


@pytest.mark.parametrize(
    "head",
    [
        b"not http at all\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /x HTTP/1.1\r\n\r\n",
        b"GET /x HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET http://elsewhere/x HTTP/1.1\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /x HTTP/2.0\r\n" + HOST + b"\r\n",
        b"GET /x HTTP/0.9\r\n" + HOST + b"\r\n",
        b"GET /x HTTP/1.0\r\n" + HOST + HOST + b"\r\n",
        b"GET /x#y HTTP/1.1\r\n" + HOST + b"\r\n",
        b"POST /x HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\nhello",
        b"GET /x HTTP/1.1\r\n" + HOST + b"Bad Header: x\r\n\r\n",
    ],
)
def test_what_servers_read_differently_is_refused_and_the_connection_closed(head: bytes) -> None:
    answer, seen = exchange(head)

    assert status_of(answer) == 400
    assert error_of(answer)["type"] == "invalid_request_error"
    assert seen.paths == []


@pytest.mark.parametrize(
    "lines",
    [
        b"".join(b"X-%d: y\r\n" % number for number in range(30)),
        b"X-Long: " + b"y" * 5_000 + b"\r\n",
        b"X-Long: " + b"y" * 40_000 + b"\r\n",
    ],
)
def test_too_many_or_too_long_headers_are_refused(lines: bytes) -> None:
    limits = ServerConfig(max_headers=20, max_header_bytes=4_096)

    answer, seen = exchange(b"GET /x HTTP/1.1\r\n" + HOST + lines + b"\r\n", limits=limits)

    assert status_of(answer) == 431
    assert error_of(answer)["code"] == "headers_too_large"
    assert seen.paths == []


def test_a_flood_of_headers_is_cut_off_even_where_the_refusal_is_lost_in_it() -> None:
    flood = b"X-Long: " + b"y" * 1_000_000

    answer, seen = exchange(b"GET /x HTTP/1.1\r\n" + HOST + flood, limits=ServerConfig(max_header_bytes=4_096))

    assert answer == b"" or status_of(answer) == 431
    assert seen.paths == []


def test_a_request_line_without_end_is_refused() -> None:
    answer, _ = exchange(b"GET /" + b"x" * 20_000, limits=ServerConfig(max_header_bytes=4_096))

    assert status_of(answer) == 431


def test_trailers_without_end_are_refused() -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    trailers = b"".join(b"X-%d: y\r\n" % number for number in range(30))

    answer, _ = exchange(head, trailers, limits=ServerConfig(max_headers=20, max_header_bytes=4_096))

    assert status_of(answer) == 431


@pytest.mark.parametrize("n_chunks", [1, 40])
def test_chunk_extensions_that_outweigh_their_chunks_are_refused(n_chunks: int) -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    padded = b"1;" + b"x" * (40_000 // n_chunks) + b"\r\na\r\n"

    answer, seen = exchange(head, padded * n_chunks + b"0\r\n\r\n", limits=ServerConfig(max_header_bytes=4_096))

    assert status_of(answer) == 431
    assert seen.bodies == []


def test_a_large_body_in_chunks_of_one_byte_is_no_padding() -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    answer, seen = exchange(head, b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n", limits=ServerConfig(max_header_bytes=4_096))

    assert status_of(answer) == 200
    assert seen.bodies == [b"a" * 20_000]


def test_headers_that_do_not_come_are_waited_for_only_so_long() -> None:
    limits = ServerConfig(read_timeout_s=0.05, idle_timeout_s=20.0)

    answer, _ = exchange(b"GET /x HTTP/1.1\r\nHo", limits=limits)

    assert status_of(answer) == 408
    assert error_of(answer)["message"] == "the headers did not arrive within 0.05 s"


def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    answer, _ = exchange(limits=ServerConfig(idle_timeout_s=0.05))

    assert answer == b""


def test_connections_over_the_limit_are_closed_at_once() -> None:
    async def run() -> tuple[bytes, bytes]:
        async with served(ServerConfig(max_connections=1)) as (_, connect):
            first = await connect()
            await first.send(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n")
            served_head = await first.head()
            second = await connect()
            await second.send(b"GET /b HTTP/1.1\r\n" + HOST + b"\r\n")
            return served_head, await second.rest()

    first, second = asyncio.run(run())

    assert status_of(first) == 200
    assert second == b""


def test_an_upgrade_is_served_as_an_ordinary_request_and_the_connection_closed() -> None:
    upgrade = b"GET /x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    answer, seen = exchange(upgrade + b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n")

    assert answer.count(b"HTTP/1.1 ") == 1
    assert "/hidden" not in seen.paths


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 2\r\n\r\nhi", b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"]
)
def test_a_body_sent_with_the_offer_of_an_upgrade_is_read(framing: bytes) -> None:
    offer = b"POST /x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"

    answer, seen = exchange(offer + framing + b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n")

    assert status_of(answer) == 200
    assert (seen.paths, seen.bodies) == (["/x"], [b"hi"])


def test_a_faulty_body_sent_with_the_offer_of_an_upgrade_is_refused() -> None:
    offer = (
        b"POST /x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
    )

    answer, seen = exchange(offer + b"zz\r\n")

    assert status_of(answer) == 400
    assert seen.paths == []


def test_data_after_the_last_request_of_a_connection_is_no_second_request() -> None:
    last = b"GET /a HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"

    answer, seen = exchange(last + b"GET /b HTTP/1.1\r\n" + HOST + b"\r\n")

    assert status_of(answer) == 200
    assert seen.paths == ["/a"]


@pytest.mark.parametrize("after", [b"", b"\r\n"])
def test_a_connection_that_says_nothing_more_is_closed(after: bytes) -> None:
    limits = ServerConfig(idle_timeout_s=0.05)

    answer, _ = exchange(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n", after, limits=limits)

    assert answer.count(b"HTTP/1.1 200") == 1


def test_garbage_while_an_answer_is_being_made_is_refused_in_its_place() -> None:
    answer, _ = exchange(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n", b"garbage\r\n\r\n")

    assert answer.count(b"HTTP/1.1 ") == 1
    assert status_of(answer) == 400


def test_garbage_while_a_stream_runs_cuts_it_off_without_a_second_head() -> None:
    async def run() -> tuple[bytes, bytes]:
        async with served(ROOMY) as (_, connect):
            client = await connect()
            await client.send(b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n")
            head = await client.head()
            await client.send(b"garbage\r\n\r\n")
            return head, await client.rest()

    head, rest = asyncio.run(run())

    assert status_of(head) == 200
    assert b"HTTP/1.1" not in rest
    assert not rest.endswith(b"0\r\n\r\n")


def test_what_comes_on_a_connection_that_is_being_closed_is_not_read() -> None:
    answer, seen = exchange(b"garbage\r\n\r\n", b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")

    assert answer.count(b"HTTP/1.1 ") == 1
    assert seen.paths == []
