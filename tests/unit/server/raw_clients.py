"""A server with the connections of the gateway and an application that notes what reaches it, and raw clients of it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from suffice.errors import RequestError
from suffice.server.config import ServerConfig
from suffice.server.connection import Connection, Peers
from suffice.server.http import Request, Responder
from suffice.wire.errors import render

ROOMY = ServerConfig(read_timeout_s=20.0, idle_timeout_s=20.0)
HOST = b"Host: localhost\r\n"
LARGE = b"x" * 8 * 1024 * 1024


@dataclass
class Seen:
    """An application, and what reached it."""

    paths: list[str] = field(default_factory=list[str])
    bodies: list[bytes] = field(default_factory=list[bytes])
    ended: list[str] = field(default_factory=list[str])
    """How each request ended: `answered` or `cancelled`."""
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    """Requests for `/slow` wait for it, those for `/stream` do so after their first piece."""

    async def serve(self, request: Request, respond: Responder) -> None:
        """Answer one request."""
        try:
            await self._answer(request, respond)
        except RequestError as error:
            await respond.whole(error.status, render(error))
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("answered")

    async def _answer(self, request: Request, respond: Responder) -> None:
        if request.path == "/refused":
            await respond.whole(401, b"no")
            return
        body = await request.body(max_bytes=30_000, timeout_s=20.0)
        self.paths.append(request.path)
        self.bodies.append(body)
        respond.headers["x-served"] = "yes"
        if request.path == "/fault":
            raise ZeroDivisionError
        if request.path == "/slow":
            await self.hold.wait()
        if request.path == "/large":
            await respond.whole(200, LARGE)
        elif request.path == "/nothing":
            await respond.whole(204, b"")
        elif request.path == "/stream":
            await respond.begin(200, "text/event-stream")
            respond.outlet.write(b"first ")
            await self.hold.wait()
            respond.outlet.write(b"last")
            await respond.end()
        else:
            await respond.whole(200, b"last")


@dataclass
class Client:
    """One raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, payload: bytes) -> None:
        self.writer.write(payload)
        with suppress(ConnectionError):
            await self.writer.drain()

    def stop_reading(self) -> None:
        """Leave in the socket what comes."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

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

    async def until(self, mark: bytes) -> bytes:
        async with asyncio.timeout(10.0):
            return await self.reader.readuntil(mark)


@dataclass
class Scene:
    """A server, and whoever connects to it."""

    port: int
    seen: Seen
    peers: Peers
    clients: list[Client] = field(default_factory=list[Client])

    async def connect(self, *payloads: bytes) -> Client:
        """Open a connection, and send something."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        for payload in payloads:
            await client.send(payload)
        return client

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the server do what it does until it is so."""
        async with asyncio.timeout(10.0):
            while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.001)


@asynccontextmanager
async def served(limits: ServerConfig = ROOMY) -> AsyncGenerator[Scene]:
    """A server, and a way to connect."""
    seen, peers = Seen(), Peers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(seen.serve, limits, peers), "127.0.0.1", 0)
    scene = Scene(server.sockets[0].getsockname()[1], seen, peers)
    async with server:
        try:
            yield scene
        finally:
            seen.hold.set()
            for client in scene.clients:
                await client.close()
            await scene.until(lambda: len(peers) == 0)


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True)
class Wire:
    """Runs a test's coroutine on one of the event loops that the gateway may be served with."""

    run: Run

    def exchange(self, *payloads: bytes, limits: ServerConfig = ROOMY, n_rounds: int = 0) -> tuple[bytes, Seen]:
        """Send these on one connection, let the server read each in turn, and read until it closes the connection."""

        async def send_all() -> tuple[bytes, Seen]:
            async with served(limits) as scene:
                client = await scene.connect()
                for payload in payloads:
                    await client.send(payload)
                    for _ in range(n_rounds):
                        await asyncio.sleep(0)
                return await client.rest(), scene.seen

        return self.run(send_all())


def status_of(answer: bytes) -> int:
    """Of the first response."""
    return int(answer.split(b" ", 2)[1])


def error_of(answer: bytes) -> Any:
    """What a response's body says went wrong."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
