"""One server of a tier, over real loopback sockets."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from scripted_server import hang_up

from suffice.errors import UpstreamBrokenError, UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from suffice.testing.loopback.options import LoopbackOptions
from suffice.testing.loopback.server import Loopback, serving
from suffice.testing.raw import post
from suffice.testing.waiting import wait_until
from suffice.upstream import connection as module
from suffice.upstream.call import Call, Exchange
from suffice.upstream.client import Client
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.origin import Origin

QUICK = UpstreamConfig(connect_timeout_s=0.1, first_byte_timeout_s=0.1, idle_timeout_s=0.1)
PATIENT = UpstreamConfig()


def call(text: str, *, stream: bool = False, headers: Mapping[str, str] | None = None) -> Call:
    document = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": stream}
    return Call(path="/chat/completions", body=json.dumps(document).encode(), stream=stream, headers=headers or {})


@asynccontextmanager
async def opened_client(
    address: str, config: UpstreamConfig = PATIENT, *, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Client]:
    origin = Origin(f"{address}/v1", config)
    try:
        yield Client(origin, headers or {})
    finally:
        await hang_up(origin)


@asynccontextmanager
async def sent(client: Client, one: Call) -> AsyncGenerator[Exchange]:
    exchange = await client.send(one)
    try:
        yield exchange
    finally:
        exchange.close()


def ask(
    one: Call,
    use: Callable[[Exchange, Client, Loopback], Awaitable[Any]],
    *,
    config: UpstreamConfig = PATIENT,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Make one call to a loopback upstream, and what `use` makes of its exchange."""

    async def run() -> Any:
        async with (
            serving(LoopbackOptions(models=("m",))) as (loopback, address),
            opened_client(address, config, headers=headers) as client,
            sent(client, one) as exchange,
        ):
            return await use(exchange, client, loopback)

    return asyncio.run(run())


async def keep(exchange: Exchange, _client: Client, _loopback: Loopback) -> Exchange:
    return exchange


async def read_all(exchange: Exchange, _client: Client, _loopback: Loopback) -> bytes:
    assert exchange.chunks is not None
    return b"".join([chunk async for chunk in exchange.chunks])


def test_a_plain_answer_comes_whole_with_its_head() -> None:
    exchange: Exchange = ask(call("hi\n!say hello"), keep)

    assert (exchange.status, exchange.content_type, exchange.chunks) == (200, "application/json", None)
    assert json.loads(exchange.body or b"")["choices"][0]["message"]["content"] == "hello"
    assert exchange.replica.endswith("/v1")


def test_headers_of_the_call_go_along_but_the_gateways_own_win() -> None:
    async def read_headers(_exchange: Exchange, _client: Client, loopback: Loopback) -> dict[str, str]:
        return loopback.ledger.last[-1].headers

    one = call("hi", headers={"traceparent": "00-1", "authorization": "Bearer client"})

    headers = ask(one, read_headers, headers={"authorization": "Bearer gateway"})

    assert (headers["traceparent"], headers["authorization"]) == ("00-1", "Bearer gateway")


def test_a_stream_is_passed_on_byte_for_byte_however_it_comes() -> None:
    one = call("hi\n!say a b c\n!slow 0.002", stream=True)

    async def read_twice(exchange: Exchange, client: Client, loopback: Loopback) -> tuple[bytes, bytes]:
        passed = await read_all(exchange, client, loopback)
        address = client.base_url.removesuffix("/v1")
        direct = await asyncio.to_thread(post, address, "/v1/chat/completions", one.body)
        return passed, direct.body

    passed, direct = ask(one, read_twice)

    assert passed == direct
    assert passed.endswith(b"data: [DONE]\n\n")


def test_a_streams_first_bytes_are_there_before_it_is_handed_over() -> None:
    async def first(exchange: Exchange, _client: Client, _loopback: Loopback) -> bytes:
        assert exchange.chunks is not None
        return await asyncio.wait_for(anext(exchange.chunks), timeout=1.0)

    chunk: bytes = ask(call("hi\n!stall 1", stream=True), first)

    assert chunk.startswith(b"data: ")


@pytest.mark.parametrize("status", [400, 409, 422])
def test_an_answer_that_no_replica_would_change_is_handed_over(status: int) -> None:
    exchange: Exchange = ask(call(f"hi\n!status {status}", stream=True), keep)

    assert exchange.status == status
    assert exchange.chunks is None
    assert exchange.body


@pytest.mark.parametrize("status", [401, 403, 404, 408, 500, 503])
def test_a_status_that_another_replica_might_mend_is_an_error(status: int) -> None:
    with pytest.raises(UpstreamError, match=f"answered {status}: ") as caught:
        ask(call(f"hi\n!status {status}"), keep)

    assert caught.value.answered == status


@pytest.mark.parametrize(
    ("ordered", "retry_after_s"),
    [("429 7", 7.0), ("429 0.5", 0.5), ("429", 1.0), ("429 soon", 1.0), ("429 inf", 1.0), ("429 -3", 1.0)],
)
def test_a_busy_server_says_when_to_come_back(ordered: str, retry_after_s: float) -> None:
    with pytest.raises(UpstreamBusyError) as caught:
        ask(call(f"hi\n!status {ordered}"), keep)

    assert caught.value.retry_after_s == retry_after_s
    assert caught.value.answered == 429


@pytest.mark.parametrize(("ordered", "retry_after_s"), [("503 7", 7.0), ("503", None), ("500 7", None)])
def test_a_server_that_is_down_may_say_when_to_come_back(ordered: str, retry_after_s: float | None) -> None:
    with pytest.raises(UpstreamError) as caught:
        ask(call(f"hi\n!status {ordered}"), keep)

    assert caught.value.retry_after_s == retry_after_s


def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(UpstreamError, match="answered 302"):
        ask(call("hi\n!status 302"), keep)


@pytest.mark.parametrize(
    ("order", "stream", "error", "said"),
    [
        ("drop", False, UpstreamError, "cannot be reached"),
        ("hang", False, UpstreamTimeoutError, "did not accept the request within 0.1 s"),
        ("hang", True, UpstreamTimeoutError, "did not accept the request within 0.1 s"),
        ("cut", False, UpstreamBrokenError, "in the middle of its answer"),
        ("length long", False, UpstreamBrokenError, "in the middle of its answer"),
        ("stall", False, UpstreamTimeoutError, "did not finish its answer within 0.1 s"),
        ("stall 0", True, UpstreamTimeoutError, "did not go on with its stream within 0.1 s"),
        ("cut 0", True, UpstreamBrokenError, "in the middle of its stream"),
        ("end 0", True, UpstreamBrokenError, "closed its stream before the first byte"),
    ],
)
def test_what_goes_wrong_before_the_first_byte_is_an_error_on_opening(
    order: str, *, stream: bool, error: type[UpstreamError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        ask(call(f"hi\n!{order}", stream=stream), keep, config=QUICK)

    assert caught.value.answered is None


@pytest.mark.parametrize(
    ("order", "error", "said"),
    [
        ("cut 2", UpstreamBrokenError, "in the middle of its stream"),
        ("stall 2", UpstreamTimeoutError, "did not go on with its stream within 0.1 s"),
    ],
)
def test_what_goes_wrong_in_a_stream_is_an_error_while_it_is_read(
    order: str, error: type[UpstreamError], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(call(f"hi\n!{order}", stream=True), read_all, config=QUICK)


def test_an_answer_over_the_limit_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1_000)

    with pytest.raises(UpstreamBrokenError, match="over 1000 bytes"):
        ask(call("hi\n!huge 5000"), keep)


def test_leaving_a_stream_cancels_it_at_the_upstream() -> None:
    async def run() -> tuple[int, int]:
        async with serving(LoopbackOptions(models=("m",))) as (loopback, address), opened_client(address) as client:
            async with sent(client, call("hi\n!stall 1", stream=True)):
                n_running = loopback.ledger.streams_open
            await asyncio.to_thread(wait_until, lambda: loopback.ledger.streams_open == 0)
            return n_running, loopback.ledger.cancelled

    assert asyncio.run(run()) == (1, 1)


def test_closing_twice_does_no_more_than_closing_once() -> None:
    async def run() -> tuple[int, int]:
        async with serving(LoopbackOptions(models=("m",))) as (loopback, address), opened_client(address) as client:
            first = await client.send(call("hi"))
            first.close()
            async with sent(client, call("hi again\n!stall 1", stream=True)):
                first.close()
                return loopback.ledger.streams_open, loopback.ledger.n_connections

    assert asyncio.run(run()) == (1, 1)


@pytest.mark.parametrize(("path", "status"), [("models", 200), ("/v1/models", 200), ("/health", 404)])
def test_a_probe_asks_below_the_base_url_or_at_the_root(path: str, status: int) -> None:
    async def run() -> int:
        async with serving(LoopbackOptions(models=("m",))) as (_, address), opened_client(address) as client:
            return await client.probe(path, 5.0)

    assert asyncio.run(run()) == status


def test_a_connection_is_used_again_after_a_whole_answer() -> None:
    async def run() -> int:
        async with serving(LoopbackOptions(models=("m",))) as (loopback, address), opened_client(address) as client:
            for _ in range(3):
                async with sent(client, call("hi")):
                    pass
            return loopback.ledger.n_connections

    assert asyncio.run(run()) == 1


@contextmanager
def unaccepting_server() -> Generator[str]:
    """The address of a listening socket whose backlog is full: a connection to it stays half open."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)  # noqa: FBT003 - the standard library's signature
            one.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for one in waiting:
            one.close()


async def probe_at(address: str) -> int:
    async with opened_client(address) as client:
        return await client.probe("models", 5.0)


def open_at(address: str, config: UpstreamConfig) -> None:
    async def run() -> None:
        async with opened_client(address, config) as client, sent(client, call("hi")):
            pytest.fail("it must not open")

    asyncio.run(run())


def test_a_server_that_takes_no_connection_is_given_the_time_to_connect_and_no_more() -> None:
    config = UpstreamConfig(connect_timeout_s=0.1, first_byte_timeout_s=60.0)
    started_at = time.monotonic()

    with unaccepting_server() as address, pytest.raises(UpstreamTimeoutError, match=r"a connection within 0\.1 s"):
        open_at(address, config)

    assert time.monotonic() - started_at < 10.0


def test_a_probe_that_is_not_answered_in_time_is_an_error() -> None:
    async def run(address: str) -> int:
        async with opened_client(address) as client:
            return await client.probe("models", 0.05)

    with (
        unaccepting_server() as address,
        pytest.raises(UpstreamTimeoutError, match=r"did not answer models within 0\.05 s"),
    ):
        asyncio.run(run(address))


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(UpstreamError, match="cannot be reached"):
            open_at(address, PATIENT)
        with pytest.raises(UpstreamError, match="cannot be reached"):
            asyncio.run(probe_at(address))
