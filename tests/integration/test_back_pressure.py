"""A client that does not read holds its upstream back through the whole gateway, and gets everything once it reads."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from suffice.assembly import open_gateway
from suffice.config import load
from suffice.server.running import listen, run
from suffice.testing import write_settings

EVENT = b'data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"x" * 16_000)
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
N_EVENTS = 4_000
MIB = 2**20


@dataclass
class Source:
    """An upstream with one long stream."""

    n_sent: int = 0
    """Bytes that its socket took."""
    is_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            for event in [EVENT] * N_EVENTS + [STOP]:
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                await writer.drain()
                self.n_sent += len(event)
            writer.write(b"0\r\n\r\n")
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.is_left.set()

    async def stalled(self) -> int:
        """How much was sent when nothing more was taken for a while."""
        while True:
            before = self.n_sent
            await asyncio.sleep(0.2)
            if before and self.n_sent == before:
                return before


@asynccontextmanager
async def gateway_of(source: Source, folder: Path) -> AsyncGenerator[int]:
    """A gateway over it in this very loop; gives its port."""
    async with await asyncio.start_server(source.serve, "127.0.0.1", 0) as upstream:
        address = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
        loaded = load(write_settings(folder, small=[address], large=[address]), {})
        opened = listen(loaded.config.server)
        ready = asyncio.Event()
        async with open_gateway(loaded) as gateway, asyncio.TaskGroup() as group:
            serving = run(gateway.app, loaded.config.server, opened, gateway.turnstile, ready=lambda _: ready.set())
            group.create_task(serving)
            await ready.wait()
            try:
                yield opened.getsockname()[1]
            finally:
                signal.raise_signal(signal.SIGTERM)
        await source.is_left.wait()


async def ask(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    document = {"model": "small", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    body = json.dumps(document).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    writer.write(head + body)
    return reader, writer


def test_a_client_that_does_not_read_holds_its_upstream_back_and_gets_all_in_the_end(tmp_path: Path) -> None:
    async def run_both() -> tuple[int, int, bytes]:
        source = Source()
        async with gateway_of(source, tmp_path) as port:
            reader, writer = await ask(port)
            n_stalled = await source.stalled()
            answer = await reader.read()
            writer.close()
            return n_stalled, source.n_sent, answer

    n_stalled, n_sent, answer = asyncio.run(run_both())

    assert n_stalled < 24 * MIB, "it was not held back"
    assert n_sent == len(EVENT) * N_EVENTS + len(STOP) > 60 * MIB
    assert answer.count(EVENT) == N_EVENTS
    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_a_client_that_leaves_without_having_read_ends_its_upstream(tmp_path: Path) -> None:
    async def run_both() -> int:
        source = Source()
        async with gateway_of(source, tmp_path) as port:
            _, writer = await ask(port)
            await source.stalled()
            writer.transport.abort()
            return await source.stalled()

    assert asyncio.run(run_both()) < 24 * MIB
