"""One response on its way to the client, framed as the client's version of HTTP has it."""

from collections.abc import Awaitable, Mapping
from typing import Protocol

from suffice.server.parsing import Incoming
from suffice.server.response import CONTINUE, LAST_CHUNK, encode_chunk, encode_head

_BODILESS = frozenset({204, 304})


class Line(Protocol):
    """The connection, as far as a response needs it."""

    @property
    def is_last(self) -> bool:
        """No request may follow."""
        ...

    def write(self, data: bytes) -> bool:
        """Send bytes; returns whether the client keeps up."""
        ...

    def drain(self) -> Awaitable[None]:
        """Wait until the client keeps up."""
        ...

    def abort(self) -> None:
        """Hang up."""
        ...


class ResponseOutlet:
    """Where the response to one request goes."""

    __slots__ = ("_incoming", "_is_chunked", "_line", "closes", "has_begun")

    def __init__(self, line: Line, incoming: Incoming) -> None:
        """Take the connection and the request."""
        self._line = line
        self._incoming = incoming
        self._is_chunked = False
        self.has_begun = False
        """Bytes of the response are on their way."""
        self.closes = False
        """The connection ends with this response, as the client was told."""

    def drain(self) -> Awaitable[None]:
        """Wait until the client keeps up again."""
        return self._line.drain()

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Send a whole response, its length told; returns whether the client keeps up."""
        self.has_begun = True
        framing = "" if status in _BODILESS else f"content-length: {len(body)}\r\n"
        head = encode_head(status, headers, framing + self._persistence(headers))
        is_bare = status in _BODILESS or self._incoming.request.method == "HEAD"
        return self._line.write(head if is_bare else head + body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of a stream."""
        self.has_begun = True
        # HTTP/1.0 has no chunks: there a stream ends with its connection.
        self._is_chunked = not self._incoming.is_old
        self.closes = self._incoming.is_old
        framing = "transfer-encoding: chunked\r\n" if self._is_chunked else ""
        self._line.write(encode_head(status, headers, framing + self._persistence(headers)))

    def write(self, piece: bytes) -> bool:
        """Send a piece of a stream; returns whether the client keeps up."""
        if not piece:
            return True
        return self._line.write(encode_chunk(piece) if self._is_chunked else piece)

    def end(self) -> None:
        """End a stream."""
        if self._is_chunked:
            self._line.write(LAST_CHUNK)

    def break_off(self, last: bytes) -> None:
        """End a stream that broke with what is said of it; hang up on a client that would not read it anyway."""
        if self.write(last):
            self.end()
        else:
            self._line.abort()

    def tell_to_continue(self) -> None:
        """Ask for the body that a client holds back."""
        if not self.has_begun:
            self._line.write(CONTINUE)

    def _persistence(self, headers: Mapping[str, str]) -> str:
        incoming = self._incoming
        self.closes = (
            self.closes
            or self._line.is_last
            or not incoming.keeps
            # The rest of the body must not be read as the next request.
            or not (incoming.request.upload.is_whole or incoming.request.upload.can_be_skipped)
            or headers.get("connection") == "close"
        )
        if self.closes:
            return "" if "connection" in headers else "connection: close\r\n"
        return "connection: keep-alive\r\n" if incoming.is_old else ""
