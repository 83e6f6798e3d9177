"""HTTP/1.1 for the loopback upstream, close enough to the socket to break its rules on purpose."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import cast

import httptools

from suffice.testing.loopback.ledger import Ledger, Request

Handler = Callable[[Request, "Reply"], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One client connection; answers its requests one after the other."""

    _transport: asyncio.Transport

    def __init__(self, handler: Handler, ledger: Ledger) -> None:
        self._handler = handler
        self._ledger = ledger
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._counted = False
        self._lost = False
        self._start_request()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's transports are no asyncio.Transport by class.
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._ledger.malformed += 1
            self._transport.abort()

    def pause_writing(self) -> None:
        """Called by the loop: the client reads too slowly."""
        self._ledger.paused += 1
        self._writable.clear()

    def resume_writing(self) -> None:
        """Called by the loop."""
        self._ledger.paused -= not self._writable.is_set()
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop; whatever is being answered ends."""
        del exc
        self._lost = True
        self._ledger.connections_open -= self._counted
        self._ledger.paused -= not self._writable.is_set()
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser."""
        path = self._target.decode("latin-1").partition("?")[0]
        method = self._parser.get_method().decode()
        request = Request(method=method, path=path, headers=self._headers, body=bytes(self._body))
        self._start_request()
        self._count(request)
        self._waiting.append(request)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    def _start_request(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def _count(self, request: Request) -> None:
        if not self._counted and not request.path.startswith("/_"):
            self._counted = True
            self._ledger.connections_open += 1
            self._ledger.n_connections += 1

    async def _answer_all(self) -> None:
        try:
            while self._waiting and not self._transport.is_closing():
                await self._handler(self._waiting.popleft(), Reply(self))
        finally:
            self._task = None

    async def write(self, payload: bytes) -> None:
        """Send bytes; waits while the client does not read."""
        if not self._lost:
            self._transport.write(payload)
            await self._writable.wait()

    def close(self) -> None:
        """Close after what was written."""
        self._transport.close()


class Reply:
    """The answer to one request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Send a plain answer; `length` is what the head claims, where that is not the truth."""
        claimed = len(body) if length is None else length
        lines = {"content-type": content_type, "content-length": str(claimed), **(headers or {})}
        await self._connection.write(_head(status, lines) + body)
        if claimed != len(body):
            self.close()

    async def start_stream(self, content_type: str = "text/event-stream; charset=utf-8") -> None:
        """Send the head of a chunked answer."""
        lines = {"content-type": content_type, "transfer-encoding": "chunked", "cache-control": "no-cache"}
        await self._connection.write(_head(200, lines))

    async def write(self, payload: bytes) -> None:
        """Send one chunk."""
        await self._connection.write(b"%x\r\n%s\r\n" % (len(payload), payload))

    async def finish(self) -> None:
        """End a chunked answer."""
        await self._connection.write(b"0\r\n\r\n")

    def close(self) -> None:
        """Break off: close the connection after what was written."""
        self._connection.close()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
