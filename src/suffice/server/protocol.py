"""Uvicorn's HTTP protocol with the strictness and limits of a gateway that faces clients.

It refuses what proxies and servers read differently (two hosts, absolute targets, unknown codings), counts headers,
and gives slow ones a deadline. All else is uvicorn's.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from suffice.errors import HeadersTooLargeError, RequestError, RequestTimeoutError
from suffice.server.config import ServerConfig
from suffice.server.half_closed import HalfClosed
from suffice.wire.errors import render

_SLICE_BYTES = 16 * 1024
_MAX_FRAMING = 16


class StrictProtocol(HttpToolsProtocol):
    """One client connection."""

    limits: ServerConfig
    """Set by `strict_protocol`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Uvicorn's parser lets data follow `Connection: close`; a fresh one is strict about that as well.
        self.parser = httptools.HttpRequestParser(self)
        self._refusal: RequestError | None = None
        self._n_head_bytes = 0
        self._in_head = True
        self._n_framing_bytes = 0
        self._n_body_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._half_closed: HalfClosed | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            transport.abort()
            return
        self._set_deadline(self.limits.idle_timeout_s, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._clear_deadline()
        if self._half_closed is not None:
            self._half_closed.close()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more; stay open for one that waits for its answer."""
        cycle = self.cycle
        # Behind another response, or within its own, the probe would be read as part of it.
        waits = cycle is not None and not (cycle.more_body or cycle.response_started or self.pipeline)  # pyright: ignore[reportUnnecessaryComparison] - None before the first request
        if not waits or self.parser.get_http_version() != "1.1":
            return False
        cycle.keep_alive = False
        self._half_closed = HalfClosed(self.transport, self.loop)
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what came, while the head stays within its limit."""
        if self.parser is None or self.transport.is_closing():  # pyright: ignore[reportUnnecessaryComparison] - uvicorn sets it to None when the connection is lost
            return
        # In slices, so that what is counted below is never far ahead of what was parsed.
        for start in range(0, len(data), _SLICE_BYTES):
            self._parse(data[start : start + _SLICE_BYTES])
            if self.transport.is_closing():
                return

    def _parse(self, data: bytes) -> None:
        if self._in_head:
            self._n_head_bytes += len(data)
        self._n_framing_bytes += len(data)
        super().data_received(data)
        is_head_large = self._in_head and self._n_head_bytes > self.limits.max_header_bytes
        if (is_head_large or self._is_padded()) and not self.transport.is_closing():
            self._refusal = _too_large(self.limits)
            self.send_400_response("")

    def _is_padded(self) -> bool:
        """Whether chunk extensions and the like outweigh what they frame; even chunks of one byte stay below."""
        return self._n_framing_bytes > _SLICE_BYTES + self.limits.max_header_bytes + _MAX_FRAMING * self._n_body_bytes

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._n_body_bytes += len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._set_deadline(self.limits.read_timeout_s, self._refuse_slow)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header, while there are not too many."""
        super().on_header(name, value)
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.headers) > self.limits.max_headers or size > self.limits.max_header_bytes:
            self._refuse(_too_large(self.limits))

    def on_headers_complete(self) -> None:
        """The head is whole: refuse what others may read differently, then let it in."""
        self._clear_deadline()
        self._in_head = False
        self._n_head_bytes = self._n_framing_bytes = self._n_body_bytes = 0
        names = [name for name, _ in self.headers]
        if self.parser.get_http_version() not in {"1.0", "1.1"}:
            self._refuse(RequestError("send HTTP/1.1"))
        if names.count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            self._refuse(RequestError("send exactly one Host header"))
        if not self.url.startswith(b"/"):
            self._refuse(RequestError("the request target must be a path"))
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (codings != [b"chunked"] or b"content-length" in names):
            self._refuse(RequestError("the only transfer coding read here is 'chunked', without a Content-Length"))
        super().on_headers_complete()
        if self.parser.should_upgrade():
            # The request itself is served; what follows it would be another protocol.
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._is_padded():
            self._refuse(_too_large(self.limits))
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be parsed, in OpenAI's form, and close the connection."""
        if self.transport.is_closing():
            return
        self._clear_deadline()
        error = self._refusal or RequestError(msg or "this is not HTTP", code="invalid_http")
        body = render(error)
        busy = self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison] - None before the first request
        if not busy:
            # Amid another response these bytes would be read as part of it.
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[int(error.status)] + head + body)
        elif not self.cycle.response_started:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[int(error.status)] + head + body)
        self.transport.close()

    def _refuse(self, error: RequestError) -> None:
        self._refusal = error
        raise error

    def _refuse_slow(self) -> None:
        self._refusal = RequestTimeoutError(f"the headers did not arrive within {self.limits.read_timeout_s:g} s")
        self.send_400_response("")

    def _set_deadline(self, after_s: float, then: Callable[[], None]) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(after_s, then)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def strict_protocol(limits: ServerConfig) -> type[StrictProtocol]:
    """The protocol class with its limits; uvicorn makes one object of it per connection."""
    return type("LimitedProtocol", (StrictProtocol,), {"limits": limits})


def _too_large(limits: ServerConfig) -> HeadersTooLargeError:
    return HeadersTooLargeError(
        f"the headers are over the limit of {limits.max_headers} lines or {limits.max_header_bytes} bytes"
    )
