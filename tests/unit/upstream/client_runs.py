"""Calls of a client to a server that says exactly what a test has it say."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from scripted_server import Said, Script, client_of

from suffice.upstream.call import Call, Exchange
from suffice.upstream.client import Client
from suffice.upstream.config import UpstreamConfig

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
    """Of one plain answer."""
    exchange = await client.send(call)
    exchange.close()
    return exchange.body or b""


async def read(exchange: Exchange) -> bytes:
    """A stream to its end."""
    assert exchange.chunks is not None
    return b"".join([piece async for piece in exchange.chunks])


async def streamed(client: Client) -> bytes:
    """Of one streamed answer."""
    exchange = await client.send(STREAM)
    got = await read(exchange)
    exchange.close()
    return got
