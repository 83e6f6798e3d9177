"""The server as it starts, listens and stops."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from gateway_calls import ANSWER, Gateway

from suffice.server.config import ServerConfig
from suffice.server.running import listen, run, url_of
from suffice.testing.fakes import FakeUpstream, Scripted, chunk

LOCAL = ServerConfig(port=0, shutdown_timeout_s=20.0)
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def chat(**fields: Any) -> bytes:
    document = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], **fields}
    body = json.dumps(document).encode()
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_a_free_port_is_known_before_anything_is_served() -> None:
    with listen(LOCAL) as opened:
        url = url_of(opened)

    assert url.startswith("http://127.0.0.1:")
    assert int(url.rpartition(":")[2]) > 0


def has_ipv6_loopback() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no IPv6 loopback")
def test_an_address_of_the_newer_kind_is_written_in_brackets() -> None:
    with listen(replace(LOCAL, host="::1")) as opened:
        assert url_of(opened).startswith("http://[::1]:")


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match="already in use"):
            listen(ServerConfig(port=port))


def serve(gateway: Gateway, client: Callable[[int], Any], *, config: ServerConfig = LOCAL) -> Any:
    """Run the server, let a client do its work with its port, and wait for both."""

    async def run_both() -> Any:
        ready = asyncio.get_running_loop().create_future()
        opened = listen(config)
        async with asyncio.timeout(30.0), asyncio.TaskGroup() as tasks:
            serving = run(gateway.app, config, opened, gateway.turnstile, ready=ready.set_result)
            tasks.create_task(serving)
            port = int((await ready).rpartition(":")[2])
            return await client(port)

    return asyncio.run(run_both())


def test_it_serves_until_it_is_told_to_stop() -> None:
    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(chat())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(len(ANSWER.body or b""))
        signal.raise_signal(signal.SIGTERM)
        assert await reader.read() == b""
        await close(writer)
        return head + body

    gateway = Gateway()

    answer: bytes = serve(gateway, client)

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(ANSWER.body or b"")
    assert b"server:" not in answer.lower()
    assert gateway.turnstile.is_closing


def held_gateway(hold: asyncio.Event) -> Gateway:
    """A gateway whose stream goes on after its first event only when told to."""

    async def wait(index: int) -> None:
        if index:
            await hold.wait()

    events = [chunk({"content": "42"}), chunk({}, finish_reason="stop"), b"data: [DONE]\n\n"]
    return Gateway(small=FakeUpstream([Scripted(events=events, before_event=wait)]))


def test_what_is_running_when_it_is_told_to_stop_comes_to_its_end() -> None:
    hold = asyncio.Event()

    async def client(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(chat(stream=True))
        await reader.readuntil(b"42")
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        hold.set()
        rest = await reader.read()
        await close(writer)
        return rest

    rest: bytes = serve(held_gateway(hold), client)

    assert b"[DONE]" in rest


def test_a_second_signal_ends_it_at_once() -> None:
    hold = asyncio.Event()
    gateway = held_gateway(hold)

    async def client(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(chat(stream=True))
        await reader.readuntil(b"42")
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with suppress(ConnectionError):
            await reader.read()
        await close(writer)

    serve(gateway, client)

    assert gateway.small.n_open == 0
    assert gateway.collector.only.cancelled
