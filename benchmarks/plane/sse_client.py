"""A client for streams: raw, checking that each stream is whole, and how long its first byte and its end took.

Usage: python -m plane.sse_client URL FILE --connections N --seconds S [--first PLACE] [--header NAME:VALUE ...]

Each connection sends a request with the next body of the file as soon as its last stream has ended. A stream is whole
if it answers 200, has as many events as every other, and ends with `[DONE]` and the end of its body. Prints JSON.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop

END_MARK = b"data: [DONE]\n\n"
DRAIN_S = 30.0
"""For the streams that are open when the time is up."""


class Streams:
    """What all connections share: the requests to send, and what came of them."""

    def __init__(self, requests: Sequence[bytes], deadline: float) -> None:
        self._requests = itertools.cycle(requests)
        self.deadline = deadline
        self.first_byte_s: list[float] = []
        self.total_s: list[float] = []
        self.n_events: Counter[int] = Counter()
        self.n_broken = 0

    def next_request(self) -> bytes | None:
        """The next request, until the time is up."""
        return next(self._requests) if time.perf_counter() < self.deadline else None

    def summary(self) -> dict[str, Any]:
        """The figures; streams with other than the most frequent number of events count as broken."""
        usual, n_usual = self.n_events.most_common(1)[0] if self.n_events else (0, 0)
        return {
            "streams": self.n_events.total() + self.n_broken,
            "broken": self.n_broken + self.n_events.total() - n_usual,
            "events": usual,
            "first_byte_p50_us": _quantile_us(self.first_byte_s, 0.5),
            "first_byte_p99_us": _quantile_us(self.first_byte_s, 0.99),
            "p50_us": _quantile_us(self.total_s, 0.5),
            "p99_us": _quantile_us(self.total_s, 0.99),
        }


class Connection(asyncio.Protocol):
    """One connection, reading one stream after another."""

    def __init__(self, streams: Streams) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._streams = streams
        self._body = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._send()

    def _send(self) -> None:
        request = self._streams.next_request()
        if request is None:
            self._transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._first_byte_at = 0.0
        self._is_open = True
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_body(self, body: bytes) -> None:
        """Collect events."""
        if not self._body:
            self._first_byte_at = time.perf_counter()
        self._body += body

    def on_message_complete(self) -> None:
        """Take the stream into account, and go on."""
        streams = self._streams
        self._is_open = False
        if self._parser.get_status_code() == 200 and self._body.endswith(END_MARK):
            streams.n_events[self._body.count(b"\n\n")] += 1
            streams.first_byte_s.append(self._first_byte_at - self._sent_at)
            streams.total_s.append(time.perf_counter() - self._sent_at)
        else:
            streams.n_broken += 1
        if not self._parser.should_keep_alive():
            self._transport.close()
            return
        # Not from within the parser's own callback.
        asyncio.get_running_loop().call_soon(self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """A stream that is still open is a broken one."""
        self._streams.n_broken += self._is_open
        self.finished.set_result(None)


async def read_streams(url: str, requests: Sequence[bytes], n_connections: int, seconds: float) -> dict[str, Any]:
    """Read streams for some seconds; connections that the server closes are opened anew."""
    parts = urlsplit(url)
    streams = Streams(requests, time.perf_counter() + seconds)

    async def keep_connected() -> None:
        loop = asyncio.get_running_loop()
        while time.perf_counter() < streams.deadline:
            _, connection = await loop.create_connection(
                lambda: Connection(streams), parts.hostname or "", parts.port or 80
            )
            await connection.finished

    async with asyncio.timeout(seconds + DRAIN_S), asyncio.TaskGroup() as tasks:
        for _ in range(n_connections):
            tasks.create_task(keep_connected())
    return streams.summary()


def write_requests(url: str, lines: Iterator[str], headers: Sequence[str]) -> list[bytes]:
    """Whole HTTP requests, one for each body."""
    parts = urlsplit(url)
    fixed = "".join(f"{header.replace(':', ': ', 1)}\r\n" for header in headers)
    head = f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n{fixed}"
    return [f"{head}content-length: {len(body)}\r\n\r\n".encode() + body for body in map(str.encode, lines)]


def _quantile_us(times_s: Sequence[float], share: float) -> int | None:
    ordered = sorted(times_s)
    return round(1e6 * ordered[int(share * (len(ordered) - 1))]) if ordered else None


def main() -> None:
    """Read the command line, then streams."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("file", type=Path)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--first", type=int, default=0, help="place of the first body that is sent")
    parser.add_argument("--header", action="append", default=[])
    options = parser.parse_args()
    lines = iter(options.file.read_text(encoding="utf-8").splitlines())
    requests = write_requests(options.url, lines, options.header)
    first = options.first % len(requests)
    requests = [*requests[first:], *requests[:first]]
    print(json.dumps(uvloop.run(read_streams(options.url, requests, options.connections, options.seconds))))


if __name__ == "__main__":
    main()
