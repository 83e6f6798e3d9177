"""A server on loopback that says exactly the bytes it is told to."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from suffice.upstream.client import Client
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.origin import Origin


@dataclass(frozen=True)
class Said:
    """What the server does after a request came."""

    text: bytes = b""
    waits: asyncio.Event | None = None
    """Before it says `more`."""
    more: bytes = b""
    closes: bool = False
    """It hangs up after that."""


@dataclass
class Script:
    """A server, what it says to one request after the other, and what it has got."""

    answers: Sequence[bytes | Said]
    """The last one again and again."""
    requests: list[bytes] = field(default_factory=list[bytes])
    n_connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """A client has hung up."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.n_connections += 1
        self.writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        self.hung_up.set()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
        self.requests.append(head + await reader.readexactly(int(length)))
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        said = Said(answer) if isinstance(answer, bytes) else answer
        writer.write(said.text)
        if said.waits is not None and await _is_left(reader, said.waits):
            return False
        writer.write(said.more)
        await writer.drain()
        return not said.closes


async def _is_left(reader: asyncio.StreamReader, waits: asyncio.Event) -> bool:
    """Wait, and tell whether the client hung up meanwhile."""
    leaving, waiting = asyncio.create_task(reader.read(1)), asyncio.create_task(waits.wait())
    done, left = await asyncio.wait([leaving, waiting], return_when=asyncio.FIRST_COMPLETED)
    for one in left:
        one.cancel()
        with suppress(asyncio.CancelledError):
            await one
    return leaving in done


@asynccontextmanager
async def scripted(*answers: bytes | Said) -> AsyncGenerator[tuple[Script, str]]:
    """The server and its address."""
    script = Script(answers)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    async with server:
        yield script, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in script.writers:
            writer.close()


@asynccontextmanager
async def client_of(
    *answers: bytes | Said, config: UpstreamConfig | None = None
) -> AsyncGenerator[tuple[Client, Script]]:
    """A client of such a server."""
    async with scripted(*answers) as (script, address):
        origin = Origin(f"{address}/v1", config or UpstreamConfig())
        try:
            yield Client(origin, {}), script
        finally:
            await hang_up(origin)


async def until(condition: Callable[[], bool]) -> None:
    """Let others do what they do until it is so."""
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)


async def hang_up(origin: Origin) -> None:
    """Close what is kept, and let both sides take note of it."""
    origin.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert origin.n_open == 0


def plain(body: bytes = b"{}", *, head: bytes = b"") -> bytes:
    """A plain answer."""
    return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunked(*pieces: bytes, ends: bool = True) -> bytes:
    """Pieces in chunked coding."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + (b"0\r\n\r\n" if ends else b"")
