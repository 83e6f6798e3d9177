"""An upstream fast enough not to matter: canned answers over a raw protocol, and counts of what it was asked.

Usage: python -m plane.upstream

`POST /v1/chat/completions` answers as the body asks, plain or streamed. A stream leaves in one of two ways, set by
`POST /_step` with a number of milliseconds: 0 writes each event in a turn of the event loop of its own, without a
pause; more writes one event to every open stream at each step, as an inference engine does with its batch.
`GET /_counts` tells what was answered, and the CPU time of this process. `GET /v1/models` and `/health` are there
because routers ask for them.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import cast

import httptools
import uvloop

from plane.answers import plain_answer, streamed_answer

MODELS = {"object": "list", "data": [{"id": "small-model", "object": "model", "created": 1764201600}]}


def _whole(body: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def _chunked(events: Iterator[bytes]) -> list[bytes]:
    """What is written for each event; the head goes with the first, the end of the body with the last."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
    writes = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
    return [head + writes[0], *writes[1:-1], writes[-1] + b"0\r\n\r\n"]


class Canned:
    """The answers as bytes for the wire, the streams that are open, and the counts."""

    def __init__(self) -> None:
        self.plain = _whole(plain_answer())
        self.streams = {asked: _chunked(iter(streamed_answer(with_usage=asked))) for asked in (False, True)}
        self.step_s = 0.0
        self.n_plain = 0
        self.n_streamed = 0
        self._open: list[Iterator[Callable[[], None]]] = []

    def counts(self) -> bytes:
        """What was answered so far."""
        figures = {"plain": self.n_plain, "streamed": self.n_streamed, "cpu_s": time.process_time()}
        return _whole(json.dumps(figures).encode())

    def stream(self, transport: asyncio.Transport, *, asked: bool) -> None:
        """Begin a stream."""
        self.n_streamed += 1
        writes = iter([lambda part=part: transport.write(part) for part in self.streams[asked]])
        loop = asyncio.get_running_loop()
        if self.step_s:
            if not self._open:
                loop.call_later(self.step_s, self._step)
            self._open.append(writes)
        else:
            self._go_on(writes, loop)

    def _go_on(self, writes: Iterator[Callable[[], None]], loop: asyncio.AbstractEventLoop) -> None:
        write = next(writes, None)
        if write is not None:
            write()
            # In a turn of its own, or the loop would send all events in one segment.
            loop.call_soon(self._go_on, writes, loop)

    def _step(self) -> None:
        still_open: list[Iterator[Callable[[], None]]] = []
        for writes in self._open:
            write = next(writes, None)
            if write is not None:
                write()
                still_open.append(writes)
        self._open = still_open
        if still_open:
            asyncio.get_running_loop().call_later(self.step_s, self._step)


class Connection(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        """Begin a request."""
        self._url = url
        self._body = b""

    def on_body(self, body: bytes) -> None:
        """Collect its body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer it."""
        canned, body = self._canned, self._body
        if self._url.endswith(b"/chat/completions"):
            # The text's own quotes are escaped in JSON, so these bytes are never part of a prompt.
            if b'"stream":true' in body or b'"stream": true' in body:
                asked = b'"include_usage":true' in body or b'"include_usage": true' in body
                canned.stream(self._transport, asked=asked)
                return
            canned.n_plain += 1
            self._transport.write(canned.plain)
        else:
            self._transport.write(self._control(self._url, body))

    def _control(self, url: bytes, body: bytes) -> bytes:
        if url == b"/_counts":
            return self._canned.counts()
        if url == b"/_step":
            self._canned.step_s = float(body) / 1000
            return _whole(b"{}")
        return _whole(json.dumps(MODELS).encode() if url.endswith(b"/models") else b'{"status":"ok"}')


async def main() -> None:
    """Serve until killed."""
    canned = Canned()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(canned), "127.0.0.1", 0, backlog=1024)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(main())
