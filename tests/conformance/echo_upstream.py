"""An upstream in the fuzzer's own process: it keeps what it was sent, and answers with its digest."""

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11


@dataclass(slots=True)
class EchoUpstream:
    """What was seen."""

    seen: Counter[bytes] = field(default_factory=Counter[bytes])
    """Requests by what they ask, since it was last emptied."""
    problems: list[str] = field(default_factory=list[str])
    """What was no HTTP."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        connection = h11.Connection(h11.SERVER)
        try:
            while (request := await _receive(connection, reader)) is not None:
                key = key_of(request)
                self.seen[key] += 1
                writer.write(_answer(request, digest_of(key)))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
        except (asyncio.CancelledError, ConnectionError):
            pass  # the end: of the run, or of the connection
        except h11.RemoteProtocolError as error:
            self.problems.append(f"the gateway sent its upstream no HTTP: {error}")
        finally:
            writer.close()


def key_of(body: bytes) -> bytes:
    """What a body asks: its last message, or all of it where it is not a chat's."""
    with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
        message: Any = json.loads(body)["messages"][-1]
        return json.dumps(message).encode()
    return body


def digest_of(key: bytes) -> str:
    """By which an answer tells what it answers."""
    return hashlib.sha256(key).hexdigest()


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes | None:
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body)
        elif isinstance(event, h11.ConnectionClosed):
            return None


def _answer(body: bytes, digest: str) -> bytes:
    if b'"stream": true' in body:
        events: list[dict[str, Any]] = [
            {"id": "x", "model": "small-model", "choices": [{"index": 0, "delta": {"content": digest}}]},
            {"id": "x", "model": "small-model", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        ]
        chunks = [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        return (
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            + sent
            + b"0\r\n\r\n"
        )
    message = {"role": "assistant", "content": digest}
    document = {
        "id": "x",
        "model": "small-model",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    text = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text)


@asynccontextmanager
async def run_echo() -> AsyncGenerator[tuple[EchoUpstream, str]]:
    """Serve on loopback; gives what is seen and the address."""
    upstream = EchoUpstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=1024)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield upstream, f"http://{host}:{port}"
